# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside a Blender with a window: steps that a timer takes, clicks and keys like a user's, and pictures of the screen.

`run(steps)` takes a generator's steps one by one: it yields seconds to wait, or a condition to wait for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import bpy

TICK_SECONDS = 0.05
Step = float | Callable[[], object]


def run(steps: Iterator[Step], *, out: Path | str, patience_seconds: float = 60.0) -> None:
    """Begin to take `steps`; at their end Blender ends with status 0, or 1 where one has failed, which leaves a picture
    `stuck.png` in `out`."""
    bpy.context.preferences.view.show_splash = False
    state: dict[str, Any] = {"wait": lambda: True, "deadline": monotonic() + patience_seconds}

    def tick() -> float:
        try:
            if not state["wait"]():
                if monotonic() > state["deadline"]:
                    raise TimeoutError("what the steps wait for does not happen")
                return TICK_SECONDS
            step = next(steps)
        except StopIteration:
            _end(0)
        except BaseException:
            traceback.print_exc()
            shoot(Path(out) / "stuck.png")
            _end(1)
        if callable(step):
            state.update(wait=step, deadline=monotonic() + patience_seconds)
            return TICK_SECONDS
        return float(step)

    bpy.app.timers.register(tick, first_interval=1.0, persistent=True)


def sequencer() -> Any:
    """The one sequencer, preview above the timeline, as large as the window."""
    window = bpy.context.window_manager.windows[0]
    area = max((each for each in window.screen.areas if each.type == "SEQUENCE_EDITOR"), key=lambda each: each.width)
    area.spaces.active.view_type = "SEQUENCER_PREVIEW"
    area.spaces.active.show_region_ui = True
    return area


def maximise(area: Any) -> None:
    """Give `area` the whole screen."""
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.screen.screen_full_area(use_hide_panels=False)


def region_of(area: Any, kind: str) -> Any:
    """The area's region of that kind ("UI", "PREVIEW", "WINDOW")."""
    return next(region for region in area.regions if region.type == kind)


def show_tab(area: Any, was_drawn: Callable[[], bool]) -> Iterator[Step]:
    """Click down the sidebar's tabs until the add-on's own is drawn."""
    region = region_of(area, "UI")
    right, top = region.x + region.width - 12, region.y + region.height
    for y in range(top - 20, region.y, -30):
        if was_drawn():
            break
        click(right, y)
        yield 0.4
    assert was_drawn(), "the add-on has no tab in the sidebar"
    move(region.x - 300, region.y + region.height // 2)


def widen(area: Any, width: int) -> Iterator[Step]:
    """Drag the sidebar's edge until it is `width` pixels wide."""
    region = region_of(area, "UI")
    y, edge = region.y + region.height // 2, region.x
    move(edge, y)
    yield 0.2
    _xdotool("mousedown", "1")
    yield 0.2
    for x in (edge + (region.width - width) // 2, edge + region.width - width):
        move(x, y)
        yield 0.2
    _xdotool("mouseup", "1")
    yield 0.8


def scroll(area: Any, notches: int) -> Iterator[Step]:
    """Turn the wheel down over the sidebar."""
    region = region_of(area, "UI")
    for _ in range(notches):
        click(region.x + region.width // 2, region.y + region.height // 2, button=5)
        yield 0.1


def move(x: int, y: int) -> None:
    """The pointer to `x`, `y` in Blender's pixels, from the lower left corner."""
    window = bpy.context.window_manager.windows[0]
    _xdotool("mousemove", str(x), str(window.height - y))


def click(x: int, y: int, *, button: int = 1) -> None:
    """Move there and click."""
    move(x, y)
    _xdotool("click", str(button))


def key(name: str) -> None:
    """Press and release a key, by xdotool's name."""
    _xdotool("key", name)


def shoot(path: Path | str) -> None:
    """A picture of the whole screen."""
    subprocess.run(["import", "-window", "root", str(path)], check=True)


def _xdotool(*arguments: str) -> None:
    subprocess.run(["xdotool", *arguments], check=True)


def _end(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    # Some versions crash or hang while they end.
    os._exit(status)
