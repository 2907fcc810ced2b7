"""A stand-in for Blender's layout, which exists only in a window: it records what is drawn, and refuses what Blender would refuse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import bpy

_CONTAINERS = ("row", "column", "box", "split", "grid_flow", "column_flow")
ICONS = frozenset(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())


class Layout:
    """Records labels, properties and operators in the order in which they are drawn."""

    def __init__(self, drawn: list[tuple[str, str]] | None = None) -> None:
        self.drawn = [] if drawn is None else drawn
        self.use_property_split = self.use_property_decorate = self.enabled = self.active = True
        self.scale_x = self.scale_y = 1.0
        self.alignment = "EXPAND"

    def __getattr__(self, name: str) -> Any:
        if name in _CONTAINERS:
            return self._container
        raise AttributeError(f"the stand-in layout has no {name}")

    def _container(self, **_options: Any) -> Layout:
        return Layout(self.drawn)

    def texts(self) -> list[str]:
        """Return what can be read, labels of buttons and sliders included."""
        return [text for _, text in self.drawn]

    def names(self, kind: str) -> list[str]:
        """Return what was drawn of a kind: ``label``, ``prop``, ``operator``, ``decorator``."""
        return [text for what, text in self.drawn if what == kind]

    def label(self, text: str = "", icon: str = "NONE") -> None:
        _check_icon(icon)
        self.drawn.append(("label", text))

    def separator(self, **_options: Any) -> None:
        pass

    def prop(self, data: Any, name: str, text: str | None = None, icon: str = "NONE", **_options: Any) -> None:
        _check_icon(icon)
        assert name in data.bl_rna.properties, f"{data} has no {name}"
        self.drawn.append(("prop", name if text is None else f"{name}: {text}"))

    def prop_enum(self, data: Any, name: str, value: str, **_options: Any) -> None:
        assert value in data.bl_rna.properties[name].enum_items
        self.drawn.append(("prop", f"{name}: {value}"))

    def prop_decorator(self, data: Any, name: str) -> None:
        assert data.bl_rna.properties[name].is_animatable
        self.drawn.append(("decorator", name))

    def operator(self, name: str, text: str | None = None, icon: str = "NONE", **_options: Any) -> Any:
        _check_icon(icon)
        category, short = name.split(".")
        operator = getattr(getattr(bpy.ops, category), short).get_rna_type()
        self.drawn.append(("operator", name))
        self.drawn.append(("button", operator.name if text is None else text))
        return _Values(operator)

    def menu(self, name: str, **_options: Any) -> None:
        assert hasattr(bpy.types, name)
        self.drawn.append(("menu", name))

    def progress(self, text: str = "", **_options: Any) -> None:
        self.drawn.append(("label", text))

    def template_list(self, list_type: str, _identifier: str, data: Any, name: str, *_rest: Any, **_options: Any) -> None:
        cls = getattr(bpy.types, list_type)
        for item in getattr(data, name):
            cls.draw_item(SimpleNamespace(), None, self, data, item, 0, data, "")

    def template_icon(self, icon_value: int, scale: float = 1.0) -> None:
        self.drawn.append(("icon", str(icon_value)))


class _Values:
    """Properties of a button: only those that the operator has."""

    def __init__(self, operator: Any) -> None:
        object.__setattr__(self, "_names", set(operator.properties.keys()))

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self._names, f"the operator has no property {name}"


def _check_icon(icon: str) -> None:
    assert icon in ICONS, f"Blender has no icon {icon}"


def context_of(scene: bpy.types.Scene, width: int = 280) -> Any:
    """Return as much of a context as panels look at."""
    return SimpleNamespace(
        scene=scene,
        view_layer=scene.view_layers[0],
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0), themes=bpy.context.preferences.themes),
        region=SimpleNamespace(width=width, height=900),
        space_data=SimpleNamespace(type="SEQUENCE_EDITOR", tree_type="CompositorNodeTree"),
        area=None,
        window=None,
        workspace=bpy.context.workspace,
    )


def draw(section: type, scene: bpy.types.Scene, width: int = 280) -> Layout:
    """Draw a section of the sequencer's sidebar and return what it consists of: nothing where it is not to be seen."""
    layout, context = Layout(), context_of(scene, width)
    panel = getattr(bpy.types, f"LWSW_PT_sequencer_{section.__name__.lower()}")
    if panel.poll(context):
        panel.draw(SimpleNamespace(layout=layout, bl_label=panel.bl_label), context)
    return layout
