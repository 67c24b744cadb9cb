# SPDX-License-Identifier: GPL-3.0-or-later
"""What one click can do about a finding of the preflight (no Qt)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from plugin_client.core.requests import PRESETS, Care
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.document import Document

_FLAG = re.compile(r"--[a-z-]+(?: (?:\d+-\d+|draft|fast|standard|best|\d+=IMAGE))?")


@dataclass(frozen=True)
class Remedy:
    """`label`: the words on the button. `document`: what it becomes, or `frame`: where the playhead goes."""

    label: str
    document: Document | None = None
    frame: int | None = None


def remedy_for(flag: str, document: Document) -> Remedy | None:
    """The remedy that a finding's `flag` stands for; None where it takes more than a click, or is done already."""
    option, _, value = flag.partition(" ")
    choices = document.choices
    match option:
        case "--preset" if value in PRESETS:
            changed = replace(document, choices=replace(choices, preset=value))
            return _changed(f"Use {value.capitalize()}", changed, document)
        case "--frames" if bounds := re.fullmatch(r"(\d+)-(\d+)", value):
            frames = FrameRange(int(bounds[1]), int(bounds[2]))
            return _changed(
                f"Set in and out to {frames.first}–{frames.last}", replace(document, frames=frames), document
            )
        case "--keyframes-as-given":
            return _with_care(
                "Leave keyframes as given", replace(choices.care, register=False, match_colour=False), document
            )
        case "--take-changes":
            return _with_care("Take these changes too", replace(choices.care, take_changes=True), document)
        case "--fit-keyframes":
            return _with_care("Scale keyframes to the clip", replace(choices.care, fit=True), document)
        case "--keyframe" if number := re.match(r"\d+", value):
            return Remedy(f"Go to frame {number[0]}", frame=int(number[0]))
    return None


def flag_in(sentence: str) -> str:
    """The option that a refusal names, "" if it names none: refusals are sentences and nothing more."""
    found = _FLAG.search(sentence)
    return found[0] if found else ""


def _with_care(label: str, care: Care, document: Document) -> Remedy | None:
    return _changed(label, replace(document, choices=replace(document.choices, care=care)), document)


def _changed(label: str, changed: Document, document: Document) -> Remedy | None:
    return None if changed == document else Remedy(label, changed)
