"""A plan as JSON and back: what a job's record holds, so that another Blender can go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..connection.transfer import Order
from ..errors import LwswError
from .found import SOURCE, StoppedJob, relative
from .plan import Plan

_FLAGS = tuple(field.name for field in fields(Plan) if field.type == "bool")


def data_of(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON; paths inside of the output folder are kept relative to it, so that the folder can be moved."""
    output = plan.order.output
    return {
        "blend_file": bpy.data.filepath,
        "scene": plan.scene_name,
        "sequencer_scene": sequencer.name if (sequencer := compat.find_scene(plan.sequencer_uid)) else "",
        **{name: getattr(plan, name) for name in _FLAGS},
        "job": dict(plan.order.job),
        "styles": {name: relative(path, output) for name, path in plan.order.styles.items()},
        "pictures": _names(plan.pictures, output),
        "passes": _names(plan.passes, output),
        "cameras": relative(plan.cameras, output) if plan.cameras else "",
        "source_size": list(plan.source_size),
        "strips": list(plan.strips),
        "notes": list(plan.notes),
        "remembered": dict(plan.remembered),
    }


def plan_of(stopped: StoppedJob, scene: bpy.types.Scene) -> Plan:
    """Return the plan of a job that was found on disk.

    Args:
        stopped: the job.
        scene: the scene to go on with, where the file has none of the job's name and the job has begun.

    Raises:
        LwswError: ``nothing_to_stylize`` if the record is damaged, or the job has not begun and its scene is gone.
    """
    data, output = stopped.data, stopped.output
    named, sequencer_name = bpy.data.scenes.get(stopped.scene), str(data.get("sequencer_scene", ""))
    if stopped.waits and named is None:
        raise _scene_gone(stopped.scene)
    scene = named or scene
    sequencer = bpy.data.scenes.get(sequencer_name) or compat.sequencer_scene(scene)
    if stopped.waits and data.get("from_sequencer") and sequencer.name != sequencer_name:
        raise _scene_gone(sequencer_name)
    try:
        plan = Plan(
            scene_uid=scene.session_uid,
            scene_name=scene.name,
            sequencer_uid=sequencer.session_uid,
            frames=stopped.frames,
            pictures=_paths(data["pictures"], output),
            passes=_paths(data["passes"], output),
            cameras=output / data["cameras"] if data["cameras"] else None,
            source_folder=output / SOURCE,
            source_size=(int(data["source_size"][0]), int(data["source_size"][1])),
            order=Order(data["job"], {name: output / path for name, path in data["styles"].items()}, output),
            notes=tuple(data["notes"]),
            strips=tuple(data.get("strips", ())),
            remembered=data["remembered"],
            **{name: bool(data.get(name, False)) for name in _FLAGS},
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        hint = "Press Stylize to start it anew; what was rendered can be chosen as Files."
        raise LwswError("nothing_to_stylize", "The record of the stopped job is damaged.", hint) from None
    return plan


def _scene_gone(name: str) -> LwswError:
    hint = "Give a scene of this file that name, or discard the job."
    return LwswError("nothing_to_stylize", f"The scene {name} is not in this file.", hint)


def _names(files: Mapping[int, Path], output: Path) -> dict[str, str]:
    return {str(frame): relative(path, output) for frame, path in files.items()}


def _paths(names: Mapping[str, str], output: Path) -> dict[int, Path]:
    return {int(frame): output / name for frame, name in names.items()}
