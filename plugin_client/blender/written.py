# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes and painted frames as the operators' arguments write them."""

from __future__ import annotations

from contextlib import suppress

from plugin_client.blender.orders import MatteChoice, PaintedFrame
from plugin_client.core.errors import BadInput

MATTE_KINDS = ("mask", "mask_strip", "luma", "alpha", "file")


def parse_matte(text: str) -> MatteChoice:
    """`"mask:Mask"`, `"luma:Strip.001"`, `"file:/roto.json"` as a choice; a `!` before it inverts the matte.

    Raises BadInput, naming the kinds, for anything else.
    """
    kind, colon, name = text.strip().removeprefix("!").partition(":")
    if not colon or not name or kind not in MATTE_KINDS:
        kinds = ", ".join(f"{each}:NAME" for each in MATTE_KINDS)
        raise BadInput(f"The matte {text!r} cannot be read: give it as one of {kinds}.")
    return MatteChoice(kind=kind, name=name, invert=text.strip().startswith("!"))


def matte_text(choice: MatteChoice) -> str:
    """The inverse of `parse_matte`."""
    return f"{'!' if choice.invert else ''}{choice.kind}:{choice.name}"


def parse_keyframes(text: str) -> tuple[PaintedFrame, ...]:
    """`"0=/a.png;12=/b.png"`: frames of the clip, counted from 0, and their pictures; "" is none.

    Raises BadInput for anything else, and for a frame that is there twice.
    """
    painted: dict[int, PaintedFrame] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        number, equals, path = part.partition("=")
        if not equals or not path or not number.strip().isdecimal():
            raise BadInput(f"The keyframe {part!r} cannot be read: give it as FRAME=PICTURE, for example 0=/frame.png.")
        frame = int(number)
        if frame in painted:
            raise BadInput(f"Frame {frame} has two pictures: give one.")
        painted[frame] = PaintedFrame(frame=frame, path=path.strip())
    return tuple(painted[frame] for frame in sorted(painted))


def keyframes_text(keyframes: tuple[PaintedFrame, ...]) -> str:
    """The inverse of `parse_keyframes`."""
    return ";".join(f"{each.frame}={each.path}" for each in keyframes)


def parse_settings(text: str) -> dict[str, object]:
    """`"motion_steps=2;grow_px=4"` as settings; what looks like a number is one. Raises BadInput for anything else."""
    settings: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"The setting {part!r} cannot be read: give it as NAME=VALUE, for example motion_steps=2.")
        settings[name.strip()] = _number_or_text(value.strip())
    return settings


def _number_or_text(value: str) -> object:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value
