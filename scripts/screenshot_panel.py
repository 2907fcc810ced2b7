"""Takes the pictures of the panel that the documentation shows. Runs inside Blender with a window (5.0 or later):

    blender --factory-startup --python scripts/screenshot_panel.py -- --out docs/images/panel.png --details docs/images/panel-regions.png

Compositor on the left, sequencer in the middle, Image Editor on the right, each with other sections of the panel open; the demo scene is
stylized meanwhile, through the operator an artist presses. ``--details`` is the three sidebars alone, not scaled; ``--light``: Blender's
light theme. Needs a backend (see the add-on's preferences, or LWSW_URL and LWSW_TOKEN) and ImageMagick's ``import`` and ``convert``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

WIDEST = 1500  # pixels of the picture that is kept
#: What the sidebars show open; the panel's own beginning is different.
OPEN_PANELS = {
    "node": ("style", "run", "weights"),
    "sequencer": ("run", "strip", "regions", "motion"),
    "image": ("look", "advanced", "quality", "source", "backend"),
}
#: The editors from left to right.
EDITORS = ("NODE_EDITOR", "SEQUENCE_EDITOR", "IMAGE_EDITOR")


def options() -> argparse.Namespace:
    """Read what comes after ``--``."""
    parser = argparse.ArgumentParser(prog="screenshot_panel.py")
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    parser.add_argument("--details", type=Path, help="a second one: the sidebars alone")
    parser.add_argument("--project", type=Path, default=Path(__file__).resolve().parent.parent, help="a checkout of the project")
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--after", type=int, default=3, help="take the picture when that many frames are finished; 0: when the job is over")
    parser.add_argument("--light", action="store_true", help="in Blender's light theme")
    parser.add_argument("--limit", type=float, default=240, help="seconds after which the picture is taken whatever has happened")
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    return parser.parse_args(words)


def enable_extension(project: Path) -> None:
    """Turn on the installed extension, else the one in the checkout."""
    import addon_utils

    if addon_utils.enable("bl_ext.user_default.lwsw", default_set=True) is None:
        sys.path.insert(0, str(project))
        import blender_lwsw

        blender_lwsw.register()
    open_and_close_panels()


def open_and_close_panels() -> None:
    """Register the panels once more, open or closed as the pictures show them: after the first drawing only a click changes that."""
    panels = [panel for panel in bpy.types.Panel.__subclasses__() if panel.__name__.startswith("LWSW_PT_")]
    for panel in reversed(panels):
        bpy.utils.unregister_class(panel)
    for panel in panels:
        editor, name = panel.__name__.removeprefix("LWSW_PT_").split("_")
        panel.bl_options = set() if name in OPEN_PANELS[editor] else {"DEFAULT_CLOSED"}
        bpy.utils.register_class(panel)


def build_scene(project: Path, frames: int, width: int, light: bool = False) -> Any:
    """Build the demo scene with a compositor and the settings that the picture shows."""
    sys.path.insert(0, str(project / "scripts"))
    import demo_scene

    scene = demo_scene.build(frames=frames, width=width, samples=4)
    if light:
        theme = next(path for path in bpy.utils.preset_paths("interface_theme") if (Path(path) / "Blender_Light.xml").is_file())
        bpy.ops.script.execute_preset(filepath=str(Path(theme) / "Blender_Light.xml"), menu_idname="USERPREF_MT_interface_theme_presets")
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.system.use_region_overlap = False  # the sidebars cover nothing
    enable_extension(project)  # not earlier: the demo scene starts from factory settings
    tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    layers, output = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
    output.location.x = 320
    tree.links.new(layers.outputs[0], output.inputs[0])
    scene.compositing_node_group = tree
    scene.view_settings.view_transform = "Standard"
    settings = scene.lwsw
    folder = Path(tempfile.mkdtemp(prefix="lwsw-panel-"))
    assets = project / "scripts" / "assets"
    for picture in (assets / "painting.jpg", assets / "paintings" / "woodcut.jpg"):
        shutil.copy(picture, folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    settings.style = "//painting.jpg"
    settings.profile = "BALANCED"
    settings.iterations, settings.first_iterations = 6, 12
    bpy.context.view_layer.objects.active = scene.objects["Balloon"]
    bpy.ops.lwsw.add_region()
    region = settings.regions[0]
    region.style, region.profile = "//woodcut.jpg", "ABSTRACT"
    settings.relu3_1 = 1.5
    settings.keyframe_insert("relu3_1", frame=scene.frame_start)
    return scene


def area_of(kind: str) -> Any:
    """Return the area that shows this editor."""
    return next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == kind)


def region_of(area: Any, kind: str) -> Any:
    """Return a region of an area."""
    return next(region for region in area.regions if region.type == kind)


def close_other_areas() -> None:
    """Leave one area, the largest."""
    window = bpy.context.window_manager.windows[0]
    largest = max(window.screen.areas, key=lambda area: area.width * area.height)
    for area in list(window.screen.areas):
        if area != largest:
            with bpy.context.temp_override(window=window, area=area):
                bpy.ops.screen.area_close()


def split_screen(scene: Any) -> None:
    """Make the largest area a compositor, a sequencer and an Image Editor, from left to right."""
    window = bpy.context.window_manager.windows[0]
    largest = max(window.screen.areas, key=lambda area: area.width * area.height)
    largest.ui_type = "CompositorNodeTree"
    for kind, share in (("SEQUENCE_EDITOR", 1 / 3), ("IMAGE_EDITOR", 1 / 2)):
        right = max(window.screen.areas, key=lambda area: area.x if area.height > 200 else -1)
        with bpy.context.temp_override(window=window, area=right, region=region_of(right, "WINDOW")):
            bpy.ops.screen.area_split(direction="VERTICAL", factor=share)
        max((area for area in window.screen.areas if area.type == right.type), key=lambda area: area.x).type = kind
    scene.sequence_editor_create()
    window.workspace.sequencer_scene = scene
    area_of("SEQUENCE_EDITOR").spaces.active.view_type = "SEQUENCER_PREVIEW"
    area_of("IMAGE_EDITOR").spaces.active.image = bpy.data.images.load(bpy.path.abspath(scene.lwsw.style))
    for kind in EDITORS:
        with bpy.context.temp_override(window=window, area=area_of(kind)):
            area_of(kind).spaces.active.show_region_ui = True


def frame_contents(scene: Any) -> None:
    """Show the tab, the nodes, the strips and the picture."""
    with contextlib.suppress(AttributeError):  # read-only until it has been drawn
        area_of("NODE_EDITOR").spaces.active.show_region_asset_shelf = False
    window = bpy.context.window_manager.windows[0]
    for kind, frame_all in zip(EDITORS, (bpy.ops.node.view_all, bpy.ops.sequencer.view_all, bpy.ops.image.view_all), strict=True):
        area = area_of(kind)
        region_of(area, "UI").active_panel_category = "LWSW"
        with bpy.context.temp_override(window=window, area=area, region=region_of(area, "WINDOW")):
            if frame_all.poll():
                frame_all()
    scene.frame_set(scene.frame_start)


def press_stylize() -> None:
    """Press the button."""
    window = bpy.context.window_manager.windows[0]
    area = area_of("NODE_EDITOR")
    with bpy.context.temp_override(window=window, area=area, region=region_of(area, "UI")):
        print("stylize:", bpy.ops.lwsw.stylize("INVOKE_DEFAULT"), flush=True)


def take_pictures(path: Path, details: Path | None) -> None:
    """Photograph the screen, and the sidebars on it; keep the pictures small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = ["+dither", "-colors", "256", "-strip"]
    with tempfile.TemporaryDirectory() as folder:
        raw = str(Path(folder) / "screen.png")
        subprocess.run(["import", "-window", "root", raw], check=True)
        subprocess.run(["convert", raw, "-trim", "-resize", f"{WIDEST}x>", *small, str(path)], check=True)
        if details is not None:
            cuts = [part for frame in sidebar_frames() for part in ("(", raw, "-crop", frame, "+repage", ")")]
            subprocess.run(["convert", *cuts, "+append", *small, str(details)], check=True)


def sidebar_frames() -> list[str]:
    """Return where the sidebars are on the screen, as ImageMagick wants it; from the top, equally high."""
    window = bpy.context.window_manager.windows[0]
    sidebars = [region_of(area_of(kind), "UI") for kind in EDITORS]
    height = min(sidebar.height for sidebar in sidebars)
    return [f"{item.width}x{height}+{window.x + item.x}+{window.height - item.y - item.height}" for item in sidebars]


def steps(chosen: argparse.Namespace) -> Iterator[float]:
    """Go through the session; what is yielded is how many seconds to wait."""
    scene = build_scene(chosen.project, chosen.frames, chosen.width, chosen.light)
    yield 1.0
    bpy.context.window_manager.windows[0].cursor_warp(2, 2)  # out of the panel: no tooltip in the pictures
    close_other_areas()
    yield 1.0  # closing takes the window out of this context until the next call
    split_screen(scene)
    yield 2.0
    frame_contents(scene)
    yield 1.0
    press_stylize()
    deadline = time.monotonic() + chosen.limit
    enough = chosen.after or chosen.frames
    while time.monotonic() < deadline:
        yield 0.5
        finished = [path for path in Path(bpy.path.abspath(scene.lwsw.output)).glob("*.png") if not path.name.startswith(".")]
        if len(finished) >= enough:
            break
    yield 2.0
    frame_contents(scene)
    yield 3.0
    take_pictures(chosen.out, chosen.details)


def main() -> None:
    """Run the steps from a timer, then quit."""
    chosen = options()
    bpy.context.preferences.view.show_splash = False
    running = steps(chosen)

    def tick() -> float | None:
        try:
            return next(running)
        except StopIteration:
            status = 0
        except Exception:  # noqa: BLE001 - this is the end of the program
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        os._exit(status)

    bpy.app.timers.register(tick, first_interval=2.0, persistent=True)


if __name__ == "__main__":
    main()
