"""Which objects a region means, by the names that Cryptomatte gives them, and what is wrong with it.

Cryptomatte knows an object by its plain name, linked or not, and an instance by the name of the object that is instanced. An empty that
shows a collection therefore stands for that collection's objects, and all instances of an object share one region.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat

#: Kinds of objects that Cryptomatte sees: those with a surface.
SURFACES = frozenset({"MESH", "CURVE", "SURFACE", "FONT", "META", "CURVES", "POINTCLOUD"})


@dataclass(frozen=True)
class Contents:
    """What a region consists of.

    Attributes:
        names: Cryptomatte's names of its objects.
        error: a sentence that says why there is nothing; empty if there is something.
        note: a sentence that says why it may not be seen.
    """

    names: tuple[str, ...]
    error: str = ""
    note: str = ""


def target_of(region: Any) -> bpy.types.Object | bpy.types.Collection | None:
    """Return the object or collection that a region of a scene is about."""
    return region.object if region.target_type == "OBJECT" else region.collection


def title_of(region: Any) -> str:
    """Return what to call a region: its own name, else that of its target."""
    target = target_of(region)
    return region.name or (target.name if target is not None else "Region")


def contents_of(target: bpy.types.Object | bpy.types.Collection | None, title: str, rendered: Collection[str] | None) -> Contents:
    """Return what a region with this target consists of.

    Args:
        target: an object or a collection; None if there is none (any more).
        title: the region's name, for the sentences.
        rendered: names that can be seen in the render, see :func:`rendered_names`; None where that is not known.
    """
    if target is None:
        return Contents((), f"The region '{title}' names no object.")
    if isinstance(target, bpy.types.Object):
        names = surface_names([target])
        if not names and target.instance_type == "COLLECTION" and target.instance_collection is not None:
            return Contents((), f"The collection that '{target.name}' shows has no object with a surface.")
        if not names:
            kind = target.bl_rna.properties["type"].enum_items[target.type].name.lower()
            return Contents((), f"'{target.name}' in the region '{title}' has no surface to paint on: it is of type {kind}.")
    else:
        if not target.all_objects:
            return Contents((), f"The collection '{target.name}' of the region '{title}' is empty.")
        names = surface_names(target.all_objects)
        if not names:
            return Contents((), f"The collection '{target.name}' of the region '{title}' has no object with a surface.")
    if rendered is not None and any(name in rendered for name in names):
        return Contents(tuple(names))
    is_object = isinstance(target, bpy.types.Object)
    if is_object and not target.users_collection:
        # the region itself keeps the deleted object's data alive
        return Contents((), f"The object '{target.name}' of the region '{title}' has been deleted.")
    whose = f"'{target.name}' is" if is_object else f"All objects of '{target.name}' are"
    hidden = f"{whose} hidden from the render: of the region '{title}', only instances can be seen."
    return Contents(tuple(names), note="" if rendered is None else hidden)


def surface_names(objects: Iterable[bpy.types.Object]) -> list[str]:
    """Return the names under which Cryptomatte sees these objects, each once."""
    names: dict[str, None] = {}
    shown: set[str] = set()

    def visit(several: Iterable[bpy.types.Object]) -> None:
        for item in several:
            if item.type in SURFACES:
                names[item.name] = None
            collection = item.instance_collection if item.instance_type == "COLLECTION" else None
            if collection is not None and collection.name_full not in shown:
                shown.add(collection.name_full)
                visit(collection.all_objects)

    visit(objects)
    return list(names)


def rendered_names(layer: bpy.types.ViewLayer) -> set[str]:
    """Return the names of all objects with a surface that a view layer renders, those that empties show included."""
    names: set[str] = set()

    def visit(branch: bpy.types.LayerCollection) -> None:
        if branch.exclude or branch.collection.hide_render:
            return
        names.update(surface_names(item for item in branch.collection.objects if not _stays_hidden(item)))
        for child in branch.children:
            visit(child)

    visit(layer.layer_collection)
    return names


def shared_objects(regions: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Return a sentence for each pair of regions that name the same object.

    Args:
        regions: name and object names of each, in their order.
    """
    owner: dict[str, str] = {}
    shared: dict[tuple[str, str], list[str]] = {}
    for title, names in regions:
        for name in names:
            if owner.setdefault(name, title) != title:
                shared.setdefault((owner[name], title), []).append(name)
    return [_sentence(first, second, names) for (first, second), names in shared.items()]


def distinct(titles: Iterable[str]) -> list[str]:
    """Return the names of regions, with a number after those that another one has already."""
    names: list[str] = []
    for title in titles:
        name, number = title, 1
        while name in names:
            number += 1
            name = f"{title} {number}"
        names.append(name)
    return names


def _sentence(first: str, second: str, names: Sequence[str]) -> str:
    others = "" if len(names) == 1 else f" and {len(names) - 1} more"
    verb = "is" if len(names) == 1 else "are"
    return f"'{names[0]}'{others} {verb} in the regions '{first}' and '{second}': the upper one, '{first}', counts."


def _stays_hidden(item: bpy.types.Object) -> bool:
    if not item.hide_render:
        return False
    animation = item.animation_data
    if animation is None:
        return True
    paths = [curve.data_path for curve in compat.fcurves(item)] + [driver.data_path for driver in animation.drivers]
    return "hide_render" not in paths
