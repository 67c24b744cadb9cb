# SPDX-License-Identifier: GPL-3.0-or-later
# What is imported lies beside, where Blender does not look by itself.
# ruff: noqa: E402
"""Inside Blender, `--python draw_blender_scenes.py -- ROOT OUT`: the states that draw_blender.py wants drawn."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

ROOT, OUT = map(Path, sys.argv[sys.argv.index("--") + 1 :])
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "hosts" / "blender")]
import window_hand as hand  # pyright: ignore[reportMissingImports]

from plugin_client.blender import addon, advice, settings, versions, watching
from plugin_client.blender.engine import engine, is_made
from plugin_client.blender.operators import painting

DEMO = ROOT / "maskedit" / "demo"
SIZE = (640, 360)
PLAYHEAD = 9


def scenes() -> Iterator[hand.Step]:
    """Each leaves the window as the next expects it."""
    addon.register("maskedit")
    bpy.context.preferences.addons.new().module = "maskedit"
    scene = bpy.context.window_manager.windows[0].scene
    scene.render.fps, (scene.render.resolution_x, scene.render.resolution_y) = 25, SIZE
    scene.view_settings.view_transform = "Standard"
    scene.frame_end = 60
    mask = rabbit_mask(scene)
    yield 0.3
    hand.maximise(hand.sequencer())
    yield 0.5
    yield from hand.widen(hand.sequencer(), 310)
    # Names without the paths of the machine that this runs on.
    hand.sequencer().spaces.active.timeline_overlay.show_strip_source = False
    yield from hand.show_tab(hand.sequencer(), lambda: watching._watch.drawn_at > 0)
    strip = versions.new_movie(
        versions.top_strips(scene), str(DEMO / "source.mp4"), name="creek.mp4", channel=1, frame=1
    )
    strip.select, scene.sequence_editor.active_strip = True, strip
    yield from fit(scene)
    settings.edit_of(strip).matte_mask = mask.name
    yield lambda: is_made() and watching._watch.shown.shot is not None
    yield 1.0
    hand.shoot(OUT / "start.png")
    painting.add_keyframe(scene.name, strip.name, 0, str(DEMO / "keyframe.png"))
    edit = settings.edit_of(strip)
    edit.prompt = "an orange head"
    scene.frame_set(PLAYHEAD)
    press("check")
    yield lambda: advice.advice_on(edit_strip()) is not None
    yield 1.5
    hand.shoot(OUT / "ready.png")
    edit.preset = "fast"
    for priority in ("normal", "normal", "low", "normal"):
        edit.priority = priority
        press("submit")
        yield lambda: bool(engine().runs[0].job_id)
    first, waiting = engine().runs[-1], engine().runs[:-1]
    yield lambda: all(engine().session.waiting(run.job_id) for run in waiting)
    yield lambda: first.left_words != "" and (first.share or 0) > 0.4
    yield 1.5
    hand.shoot(OUT / "running.png")
    for run in engine().runs:
        engine().cancel(run.run_id)
    for seed in (3, 4):
        edit.preset, edit.seed = "draft", seed
        press("submit")
        yield lambda: engine().runs[0].state.value == "placed"
        yield 1.0
    bpy.context.window_manager.maskedit.show_matte = False
    yield from hand.scroll(hand.sequencer(), 12)
    yield 1.0
    hand.shoot(OUT / "takes.png")


def edit_strip() -> Any:
    """The strip that is edited: after undo steps another object than before."""
    return versions.strip_named(bpy.context.window_manager.windows[0].scene, "creek.mp4")


def press(operator: str) -> None:
    """As its button does it."""
    area = hand.sequencer()
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=area, region=hand.region_of(area, "UI")):
        getattr(bpy.ops.maskedit, operator)("INVOKE_DEFAULT")


def fit(scene: Any) -> Iterator[hand.Step]:
    """The whole clip in the timeline and the whole picture in the preview."""
    area = hand.sequencer()
    window = bpy.context.window_manager.windows[0]
    for region, operator in (("WINDOW", "view_all"), ("PREVIEW", "view_all_preview")):
        with bpy.context.temp_override(window=window, area=area, region=hand.region_of(area, region)):
            getattr(bpy.ops.sequencer, operator)()
        yield 0.5


def rabbit_mask(scene: Any) -> Any:
    """The sample's roto as an animated mask of Blender's."""
    mask = bpy.data.masks.new("Head")
    shapes = json.loads((DEMO / "roto.json").read_text())["shapes"]
    splines = []
    for shape in shapes:
        spline = mask.layers.new(name=shape["name"]).splines.new()
        spline.use_cyclic = True
        spline.points.add(len(shape["keys"][0]["points"]) - len(spline.points))
        splines.append(spline)
    window = bpy.context.window_manager.windows[0]
    area = max((each for each in window.screen.areas if each.type == "SEQUENCE_EDITOR"), key=lambda each: each.height)
    area.type = "IMAGE_EDITOR"
    area.spaces.active.mode, area.spaces.active.mask = "MASK", mask
    for frame in sorted({key["frame"] for shape in shapes for key in shape["keys"]}):
        scene.frame_set(1 + frame)
        for shape, spline in zip(shapes, splines, strict=True):
            pose(spline, next((key for key in shape["keys"] if key["frame"] == frame), None))
        with bpy.context.temp_override(window=window, area=area, region=hand.region_of(area, "WINDOW")):
            bpy.ops.mask.shape_key_insert()
    area.type = "SEQUENCE_EDITOR"
    scene.frame_set(1)
    return mask


def pose(spline: Any, key: dict[str, Any] | None) -> None:
    """Lay the spline's points as `key` says, and have them keyed; None leaves both alone."""
    for point, at in zip(spline.points, key["points"] if key else spline.points, strict=True):
        point.select = key is not None
        if key is not None:
            point.handle_left_type = point.handle_right_type = "FREE"
            for name, shift in (
                ("co", (0, 0)),
                ("handle_left", at.get("in", (0, 0))),
                ("handle_right", at.get("out", (0, 0))),
            ):
                setattr(point, name, in_mask(at["co"][0] + shift[0], at["co"][1] + shift[1]))


def in_mask(x: float, y: float) -> tuple[float, float]:
    """Pixels from the upper left in lengths of the longer side from the lower left, the shorter side centred."""
    width, height = SIZE
    return x / width, (height - y + (width - height) / 2) / width


hand.run(scenes(), out=OUT, patience_seconds=240)
