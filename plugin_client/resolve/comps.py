# SPDX-License-Identifier: GPL-3.0-or-later
"""Fusion comps as text, their time moved so that it counts the frames of the clip's media.

A comp of an item counts in the timeline's frames from the first of its source, handles and all, whatever that source
is: its render range is the part on the timeline (Resolve's manual, "Time Ruler Controls in the Fusion Page").
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.resolve.api import ask

_RANGE = r"{name}\s*=\s*\{{\s*(-?\d+)(?:\.\d*)?\s*,\s*(-?\d+)(?:\.\d*)?\s*\}}"
_RENDER, _GLOBAL = (re.compile(_RANGE.format(name=name)) for name in ("RenderRange", "GlobalRange"))
_MASK = re.compile(r"\bPolylineMask\s*\{")


def export_comp(item: Any, target: Path, *, name: str, number: int | None) -> str:
    """On the Fusion page: the text of the item's comp `number`, from 1; None for the first with a polygon mask in it.

    It is written to `target`. `name` is the item's, for messages. Raises BadInput where there is no such comp.
    """
    count = int(ask(item, "GetFusionCompCount"))
    wanted = range(1, count + 1) if number is None else [number] if 1 <= number <= count else []
    target.parent.mkdir(parents=True, exist_ok=True)
    for index in wanted:
        trouble = f"Resolve does not export the Fusion composition of {name}: open it on the Fusion page once."
        ask(item, "ExportFusionComp", str(target), index, trouble=trouble)
        try:
            text = target.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise BadInput(trouble) from error
        if _MASK.search(text):
            return text
    target.unlink(missing_ok=True)
    raise BadInput(f"{name} has no polygon mask in Fusion: draw one on the Fusion page, or choose another matte.")


def numbered_like_media(text: str, *, first: int, length: int, name: str) -> str:
    """The comp with its global range set so that its frames, counted from that range's first, are those of the media.

    `first`: the frame of the media at the item's first frame. `length`: of the item. Raises BadInput where the comp's
    render range is not the item's.
    """
    used, whole = _RENDER.search(text), _GLOBAL.search(text)
    if used is None or whole is None or int(used[2]) - int(used[1]) + 1 != length:
        raise BadInput(
            f"The render range of {name} in Fusion is not the part on the timeline: right-click the time ruler there, "
            "choose Auto Render Range, then try again."
        )
    zero = int(used[1]) - first
    moved = f"GlobalRange = {{ {zero}, {max(int(whole[2]), zero)} }}"
    return text[: whole.start()] + moved + text[whole.end() :]
