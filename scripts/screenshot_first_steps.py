"""Goes the first steps with a mouse and takes the pictures that docs/index.md shows. Runs inside Blender 5.2 with a window:

    BLENDER_USER_RESOURCES=$(mktemp -d) blender --python scripts/screenshot_first_steps.py -- --package dist/lwsw-VERSION.zip

In a fresh user folder, with a file that is open at a Sequencer and a painting beside it, everything from the drop of the extension's zip to
the first stylized frame in the sequencer is done with a mouse (``xdotool``) and counted: no more than six clicks. Where a button is was
measured at Blender's usual size of the interface; after each click the script looks whether it did what it should. What is not done by the
mouse is the drag itself, in whose place Blender's own operator for drops is called, and the key N.

Installing the backend fetches it; LWSW_TORCH_INDEX and pip's own settings say from where, as always. Needs ``xdotool`` and ImageMagick's
``import`` and ``convert``. The exit status is 1 if a step failed or took too many clicks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

MOST_CLICKS = 6
MODULE = "bl_ext.user_default.lwsw"
#: Seconds until a window that a processor draws has caught up.
DRAWN = 1.5
#: From the mouse to the button OK of the dialog that a drop opens, in pixels to the right and down.
TO_OK = (-61, 93)
#: Pixels from the sidebar's upper edge down to the tab LWSW, where no strip is selected.
TAB = 230
#: The same to the buttons, in the states of the panel in which they are pressed.
INSTALL, CHOOSE, STYLIZE = 424, 47, 455
#: From the upper left of the file browser to its first file.
FIRST_FILE = (316, 82)


class Stop(Exception):
    """Ends the program with a sentence for the terminal."""


def options() -> argparse.Namespace:
    """Read what comes after ``--``."""
    project = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(prog="screenshot_first_steps.py")
    parser.add_argument("--package", type=Path, required=True, help="the extension's zip, see scripts/package")
    parser.add_argument("--project", type=Path, default=project, help="a checkout of the project")
    parser.add_argument("--out", type=Path, help="folder of the pictures; default: docs/images of the checkout")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--limit", type=float, default=1200, help="seconds that installing, or the first frame, may take")
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    chosen = parser.parse_args(words)
    chosen.out = chosen.out or chosen.project / "docs" / "images"
    return chosen


class Mouse:
    """A mouse on the screen. Counts its clicks; a double click is one."""

    def __init__(self) -> None:
        self.clicks = 0

    def move(self, x: int, y: int) -> None:
        """Move to a place, in pixels from the screen's upper left."""
        subprocess.run(["xdotool", "mousemove", str(x), str(y)], check=True)

    def press(self, x: int, y: int, times: int = 1) -> Iterator[float]:
        """Move there, wait until the button has noticed, click, and leave it."""
        self.move(x, y)
        yield 0.5
        self.clicks += 1
        subprocess.run(["xdotool", "click", "--repeat", str(times), "--delay", "120", "1"], check=True)
        yield 0.5
        self.move(2, 2)  # no tooltip, no button that lights up
        yield DRAWN


class Pictures:
    """Photographs the screen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken = 0

    def take(self, x: int, y: int, width: int, height: int, largest: int = 1000) -> None:
        """Keep a part of the screen, in pixels from the upper left, no wider than ``largest``."""
        self._taken += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"first-steps-{self._taken}.png"
        with tempfile.TemporaryDirectory() as folder:
            raw = str(Path(folder) / "screen.png")
            subprocess.run(["import", "-window", "root", raw], check=True)
            small = ["-resize", f"{largest}x>", "+dither", "-colors", "128", "-strip"]
            subprocess.run(["convert", raw, "-crop", f"{width}x{height}+{x}+{y}", "+repage", *small, str(path)], check=True)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)

    def take_sidebar(self, height: int) -> None:
        """Keep the sidebar's upper part."""
        region = sidebar()
        self.take(window().x + region.x, top_of(region), region.width, height)


def window(number: int = 0) -> Any:
    """Return a window of Blender; the first is its main one."""
    return bpy.context.window_manager.windows[number]


def sequencer() -> Any:
    """Return the area of the sequencer."""
    return next(area for area in window().screen.areas if area.type == "SEQUENCE_EDITOR")


def region_of(area: Any, kind: str) -> Any:
    """Return a region of an area."""
    return next(region for region in area.regions if region.type == kind)


def sidebar() -> Any:
    """Return the sequencer's sidebar."""
    return region_of(sequencer(), "UI")


def top_of(region: Any) -> int:
    """Return where a region of the main window begins, in pixels from the screen's upper edge."""
    return int(window().height - region.y - region.height)


def in_sidebar(down: int) -> tuple[int, int]:
    """Return the place on the screen in the middle of the sidebar, so many pixels below its upper edge."""
    region = sidebar()
    return window().x + region.x + region.width // 2, top_of(region) + down


def extension(module: str) -> Any:
    """Return a module of the installed extension."""
    return sys.modules[f"{MODULE}.{module}"]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20) -> Iterator[float]:
    """Wait without blocking; raise Stop if it does not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Stop(f"After {seconds:.0f} s {what}.")
        yield 0.25


def open_file(chosen: argparse.Namespace) -> Iterator[float]:
    """Save the demo scene, open at a Sequencer, with a painting beside it: what an artist has before the first step."""
    sys.path.insert(0, str(chosen.project / "scripts"))
    import demo_scene

    scene = demo_scene.build(frames=chosen.frames, width=chosen.width, samples=4)
    scene.view_settings.view_transform = "Standard"
    bpy.context.preferences.view.show_splash = False
    yield DRAWN
    largest = max(window().screen.areas, key=lambda area: area.width * area.height)
    for area in list(window().screen.areas):
        if area != largest:
            with bpy.context.temp_override(window=window(), area=area):
                bpy.ops.screen.area_close()
    yield DRAWN  # closing takes the window out of this context until the next call
    area = window().screen.areas[0]
    area.ui_type = "SEQUENCE_EDITOR"
    area.spaces.active.view_type = "SEQUENCER_PREVIEW"
    scene.sequence_editor_create()
    window().workspace.sequencer_scene = scene
    folder = Path(tempfile.mkdtemp(prefix="lwsw-first-steps-"))
    shutil.copy(chosen.project / "scripts" / "assets" / "painting.jpg", folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    yield DRAWN
    with bpy.context.temp_override(window=window(), area=area, region=region_of(area, "WINDOW")):
        bpy.ops.sequencer.view_all()
    yield DRAWN


def install_extension(package: Path, mouse: Mouse, pictures: Pictures) -> Iterator[float]:
    """Drop the zip on the window and confirm."""
    x, y = window().width // 3, window().height * 2 // 3
    mouse.move(x, y)
    yield 0.5
    with bpy.context.temp_override(window=window(), area=sequencer(), region=region_of(sequencer(), "WINDOW")):
        bpy.ops.extensions.package_install_files("INVOKE_DEFAULT", url=str(package.resolve()))  # what Blender calls for a drop
    yield DRAWN
    pictures.take(x - 400, y - 60, 480, 180)
    yield from mouse.press(x + TO_OK[0], y + TO_OK[1])
    yield from wait_until(lambda: MODULE in bpy.context.preferences.addons, "the extension is not enabled")


def open_tab(mouse: Mouse) -> Iterator[float]:
    """Open the sidebar with N, and the tab."""
    mouse.move(window().width // 3, window().height * 2 // 3)
    yield 0.5
    subprocess.run(["xdotool", "key", "n"], check=True)
    yield from wait_until(lambda: sidebar().width > 1, "N has not opened the sidebar")
    yield DRAWN
    region = sidebar()
    yield from mouse.press(window().x + region.x + region.width - 12, top_of(region) + TAB)
    if region.active_panel_category != "LWSW":
        raise Stop(f"The tab {region.active_panel_category} was opened instead of LWSW.")


def install_backend(mouse: Mouse, pictures: Pictures, limit: float) -> Iterator[float]:
    """Press Install Backend, and look at it while it is fetched."""
    installer = extension("installation.installer").session_installer
    yield from wait_until(lambda: installer.offer is not None, "it is not known what the backend takes")
    yield DRAWN
    pictures.take_sidebar(570)
    yield from mouse.press(*in_sidebar(INSTALL))
    yield from wait_until(lambda: installer.is_running or installer.installed is not None, "nothing is being installed")
    yield from wait_until(lambda: installer.progress().fraction > 0.2 or not installer.is_running, "nothing is being fetched", limit)
    pictures.take_sidebar(430)
    began = time.monotonic()
    yield from wait_until(lambda: not installer.is_running, "the backend is still being installed", limit)
    if installer.error is not None:
        raise Stop(f"The backend was not installed: {installer.error}")
    print(f"the backend was installed in {time.monotonic() - began:.0f} s", flush=True)
    yield from wait_until(lambda: extension("interface.backend_state").backend_state().is_there, "there is no backend")
    yield DRAWN


def choose_painting(scene: Any, mouse: Mouse, pictures: Pictures) -> Iterator[float]:
    """Press Choose Painting, and click twice on the file."""
    yield from mouse.press(*in_sidebar(CHOOSE))
    yield from wait_until(lambda: len(bpy.context.window_manager.windows) > 1, "there is no file browser")
    # what a window manager does; without one Blender's second window may lie outside of the screen
    corner = (window().width // 12, window().height // 10)
    move = ["xdotool", "search", "--name", "Blender File View", "windowmove", *map(str, corner)]
    subprocess.run(move, check=True)
    yield 2 * DRAWN
    browser = window(1)
    pictures.take(*corner, browser.width, min(browser.height, 260))
    yield from mouse.press(corner[0] + FIRST_FILE[0], corner[1] + FIRST_FILE[1], times=2)
    yield from wait_until(lambda: scene.lwsw.style != "", "no painting is chosen")
    yield DRAWN
    if Path(bpy.path.abspath(scene.lwsw.style)).name != "painting.jpg":
        raise Stop(f"{scene.lwsw.style} was chosen.")


def stylize(scene: Any, mouse: Mouse, pictures: Pictures, limit: float) -> Iterator[float]:
    """Press Stylize, and wait for the first frame in the sequencer."""
    pictures.take_sidebar(480)
    session = extension("jobs.session").session
    yield from mouse.press(*in_sidebar(STYLIZE))
    yield from wait_until(lambda: session.is_running, "no job is running")
    began = time.monotonic()

    def is_there() -> bool:
        if session.error is not None:
            raise Stop(f"The job ended: {session.error}")
        return any(strip.name.startswith("LWSW") for strip in scene.sequence_editor.strips)

    yield from wait_until(is_there, "there is no stylized frame in the sequencer", limit)
    print(f"the first frame of {len(session.job.plan.frames)} came after {time.monotonic() - began:.0f} s", flush=True)
    yield from wait_until(lambda: session.job is None or len(session.job.outcome.results) >= 3, "there are no three frames", limit)
    yield DRAWN
    pictures.take(window().x, 0, window().width, window().height)


def steps(chosen: argparse.Namespace) -> Iterator[float]:
    """Go through everything; what is yielded is how many seconds to wait."""
    mouse, pictures = Mouse(), Pictures(chosen.out)
    yield from open_file(chosen)
    if bpy.app.online_access or MODULE in bpy.context.preferences.addons:
        raise Stop("This is no fresh user folder: set BLENDER_USER_RESOURCES to an empty one.")
    scene = bpy.context.scene
    yield from install_extension(chosen.package, mouse, pictures)
    yield from open_tab(mouse)
    yield from install_backend(mouse, pictures, chosen.limit)
    yield from choose_painting(scene, mouse, pictures)
    yield from stylize(scene, mouse, pictures, chosen.limit)
    print(f"{mouse.clicks} clicks, a drag and a key from a fresh Blender to the first stylized frame in the sequencer", flush=True)
    if mouse.clicks > MOST_CLICKS:
        raise Stop(f"That is more than {MOST_CLICKS}.")


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
        except Stop as problem:
            print(problem, flush=True)
            status = 1
        except Exception:  # noqa: BLE001 - this is the end of the program
            traceback.print_exc()
            status = 1
        if MODULE in bpy.context.preferences.addons:
            extension("jobs.session").session.abandon()
            extension("connection.backend").session_backend.stop()
        sys.stdout.flush()
        os._exit(status)

    bpy.app.timers.register(tick, first_interval=2.0, persistent=True)


if __name__ == "__main__":
    main()
