# SPDX-License-Identifier: GPL-3.0-or-later
# The add-on's own modules are there when its zip is switched on.
# ruff: noqa: E402
"""Inside a Blender with a window: `blender --python window_steps.py -- STEPS CLIP PICTURE OUT ZIP`.

What is seen goes as JSON into OUT/seen.json, and pictures of the screen beside it, for test_blender_window.py to judge.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import window_hand as hand

STEPS, CLIP, PICTURE, OUT, ZIP = sys.argv[sys.argv.index("--") + 1 :]
MODULE = "maskedit_blender"
seen: dict[str, Any] = {}


def footprint() -> dict[str, Any]:
    """What an add-on may leave behind."""
    keymaps = bpy.context.window_manager.keyconfigs.addon.keymaps
    return {
        "classes": sorted(name for name in dir(bpy.types) if "maskedit" in name.lower()),
        "operators": [name for name in ("submit", "cancel", "export_frame") if is_operator(name)],
        "handlers": {
            name: [f"{handler.__module__}.{handler.__name__}" for handler in getattr(bpy.app.handlers, name)]
            for name in dir(bpy.app.handlers)
            if isinstance(getattr(bpy.app.handlers, name), list)
        },
        "properties": [hasattr(bpy.types.Sequence, "maskedit_edit"), hasattr(bpy.types.WindowManager, "maskedit")],
        "keys": [item.idname for keymap in keymaps for item in keymap.keymap_items],
        "threads": sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("maskedit")),
    }


def is_operator(name: str) -> bool:
    try:
        getattr(bpy.ops.maskedit, name).get_rna_type()
    except KeyError:
        return False
    return True


seen["before"] = footprint()
bpy.ops.preferences.addon_install(filepath=ZIP)
bpy.ops.preferences.addon_enable(module=MODULE)

from plugin_client.blender import overlay, settings, versions, watching
from plugin_client.blender.conducting import Engine
from plugin_client.blender.engine import engine
from plugin_client.blender.operators import painting


def began() -> Iterator[hand.Step]:
    """The sequencer over the whole window, the strip selected with its edit set up."""
    yield 0.3
    hand.maximise(hand.sequencer())
    yield 0.5
    yield from hand.show_tab(hand.sequencer(), lambda: watching._watch.drawn_at > 0)
    hand.shoot(f"{OUT}/nothing.png")
    scene = scene_here()
    scene.render.fps, scene.render.resolution_x, scene.render.resolution_y = 25, 320, 180
    strip = versions.new_movie(versions.top_strips(scene), CLIP, name="shot.mp4", channel=1, frame=1)
    strip.select, scene.sequence_editor.active_strip = True, strip
    edit = settings.edit_of(strip)
    edit.matte_mask = make_mask().name
    painting.add_keyframe(scene.name, strip.name, 0, PICTURE)
    yield lambda: watching._watch.shown.shot is not None
    yield 0.5
    hand.shoot(f"{OUT}/strip.png")


def scene_here() -> Any:
    return bpy.context.window_manager.windows[0].scene


def edit_here() -> Any:
    return settings.edit_of(versions.active_strip(scene_here()))


def make_mask() -> Any:
    """A square in the middle of the picture."""
    mask = bpy.data.masks.new("Hat")
    spline = mask.layers.new(name="Layer").splines.new()
    spline.use_cyclic = True
    corners = ((0.35, 0.4), (0.65, 0.4), (0.65, 0.6), (0.35, 0.6))
    spline.points.add(len(corners) - len(spline.points))
    for point, corner in zip(spline.points, corners, strict=True):
        point.handle_left_type = point.handle_right_type = "VECTOR"
        point.co = point.handle_left = point.handle_right = corner
    return mask


def press(operator: str) -> None:
    """As its button in the sidebar does it."""
    area = hand.sequencer()
    with bpy.context.temp_override(
        window=bpy.context.window_manager.windows[0], area=area, region=hand.region_of(area, "UI")
    ):
        getattr(bpy.ops.maskedit, operator)("INVOKE_DEFAULT")


def widths() -> Iterator[hand.Step]:
    """The sidebar as narrow and as wide as people have it."""
    yield from began()
    edit_here().prompt = "a red hat"
    for width in (200, 260, 320):
        yield from hand.widen(hand.sequencer(), width)
        hand.shoot(f"{OUT}/width-{width}.png")
        seen[f"width-{width}"] = hand.region_of(hand.sequencer(), "UI").width


def progress() -> Iterator[hand.Step]:
    """A run that is followed, and one that waits for it; a timer measures how long the interface stands still. Then
    the first is cancelled by Esc."""
    yield from began()
    edit_here().prompt = "steps=1500 pause=0.05"
    press("submit")
    run = engine().runs[0]
    yield lambda: run.state.value == "running" and run.share is not None
    seen["own"], seen["shares"] = time_own_code(), []
    for _ in range(8):
        seen["shares"].append(run.share)
        yield 0.25
    hand.shoot(f"{OUT}/running.png")
    press("submit")
    second = engine().runs[0]
    yield lambda: engine().session.waiting(second.job_id)
    yield 0.5
    hand.shoot(f"{OUT}/waiting.png")
    engine().cancel(second.run_id)
    yield lambda: second.is_over
    # A screen without a graphics card takes a tenth of a second to draw a sidebar: without it, only timers are left.
    hand.sequencer().spaces.active.show_region_ui = False
    yield 0.5
    seen["gaps"] = []
    beat = beating(seen["gaps"])
    yield 2.5
    bpy.app.timers.unregister(beat)
    hand.sequencer().spaces.active.show_region_ui = True
    preview = hand.region_of(hand.sequencer(), "PREVIEW")
    hand.move(preview.x + preview.width // 2, preview.y + preview.height // 2)
    yield 0.3
    hand.key("Escape")
    yield 0.5
    hand.shoot(f"{OUT}/asked.png")
    seen["state"] = run.state.value
    pressed = perf_counter()
    hand.key("Return")
    yield lambda: run.state.value in ("cancelling", "cancelled")
    seen["answered"] = perf_counter() - pressed
    yield lambda: run.state.value == "cancelled"
    yield 0.5
    seen["at_the_end"] = run.state.value
    hand.shoot(f"{OUT}/cancelled.png")


def beating(gaps: list[float]) -> Callable[[], float]:
    """A timer that is asked for every millisecond, and notes how late it comes."""
    before = perf_counter()

    def beat() -> float:
        nonlocal before
        now = perf_counter()
        gaps.append(now - before)
        before = now
        return 0.001

    bpy.app.timers.register(beat)
    return beat


def time_own_code() -> dict[str, list[float]]:
    """From now on, how long each call of the add-on on the main thread takes, drawing included."""
    spent: dict[str, list[float]] = {}
    for owner, name in ((Engine, "drain"), (watching, "look"), (overlay, "_draw_outline")):
        setattr(owner, name, timed(getattr(owner, name), spent.setdefault(name, [])))
    for panel in bpy.types.Panel.__subclasses__():
        if panel.__name__.startswith("MASKEDIT_"):
            panel.draw = timed_drawing(panel.draw, spent.setdefault(panel.__name__, []))
    return spent


def timed(call: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def measured(*arguments: Any) -> Any:
        began = perf_counter()
        try:
            return call(*arguments)
        finally:
            spent.append(perf_counter() - began)

    return measured


def timed_drawing(draw: Callable[..., None], spent: list[float]) -> Callable[..., None]:
    """Blender hands a function as many arguments as it names."""
    measured = timed(draw, spent)

    def drawing(self: Any, context: Any) -> None:
        measured(self, context)

    return drawing


def failure() -> Iterator[hand.Step]:
    """A run that the server cannot finish says why."""
    yield from began()
    edit_here().prompt = "steps=1 end=fail"
    press("submit")
    run = engine().runs[0]
    yield lambda: run.is_over
    yield 0.5
    seen["error"] = run.error
    hand.shoot(f"{OUT}/failed.png")


def painting_steps() -> Iterator[hand.Step]:
    """A frame goes out to an image editor, which saves it a moment later; then the mask is drawn over the clip."""
    yield from began()
    edit = edit_here()
    edit.keyframes.clear()
    editor = Path(OUT, "editor.sh")
    editor.write_text(f'#!/bin/sh\nsleep 2\ncp "{PICTURE}" "$1"\n')
    editor.chmod(0o755)
    bpy.context.preferences.filepaths.image_editor = str(editor)
    scene_here().frame_set(6)
    press("export_frame")
    seen["busy"] = watching.background.is_busy
    yield 0.3
    hand.shoot(f"{OUT}/writing.png")
    yield lambda: len(edit_here().keyframes) == 1
    item = edit_here().keyframes[0]
    path = item.path
    seen["frame"], seen["unpainted"] = item.frame, item.written == watching.stamp_of(path)
    yield lambda: watching.stamp_known(path) == edit_here().keyframes[0].written
    yield 0.3
    hand.shoot(f"{OUT}/unpainted.png")
    yield lambda: watching.stamp_known(path) not in ("", edit_here().keyframes[0].written)
    yield 0.5
    hand.shoot(f"{OUT}/painted.png")
    hand.maximise(hand.sequencer())  # that is, back
    yield 1.0
    press("draw_mask")
    yield 2.5
    windows = bpy.context.window_manager.windows
    seen["windows"] = len(windows)
    spaces = [area.spaces.active for area in windows[-1].screen.areas if area.type == "CLIP_EDITOR"]
    seen["drawing"] = [(space.mode, space.clip.name, space.mask.name) for space in spaces]
    hand.shoot(f"{OUT}/drawing.png")


def twice() -> Iterator[hand.Step]:
    """Off and on and off again: nothing stays."""
    yield 1.0
    seen["during"] = footprint()
    bpy.ops.preferences.addon_disable(module=MODULE)
    yield 0.5
    bpy.ops.preferences.addon_enable(module=MODULE)
    yield 1.0
    bpy.ops.preferences.addon_disable(module=MODULE)
    seen["after"] = footprint()


def steps() -> Iterator[hand.Step]:
    every = {"widths": widths, "progress": progress, "failure": failure, "painting": painting_steps, "twice": twice}
    yield from every[STEPS]()
    Path(OUT, "seen.json").write_text(json.dumps(seen))


hand.run(steps(), out=OUT)
