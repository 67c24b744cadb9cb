# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates as Resolve labels them, and timecode as Resolve counts it (SMPTE ST 12-1), told label by label."""

from __future__ import annotations

from fractions import Fraction

RATES = {
    "16": Fraction(16),
    "18": Fraction(18),
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "29.97 DF": Fraction(30000, 1001),
    "30": Fraction(30),
    "47.952": Fraction(48000, 1001),
    "48": Fraction(48),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "59.94 DF": Fraction(60000, 1001),
    "60": Fraction(60),
    "120": Fraction(120),
}
"""What `timelineFrameRate` can be set to."""


def label_of(rate: Fraction) -> str:
    """The label that Resolve shows for `rate`: rounded to three places, "23.976" and never 24000/1001."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def frame_of(timecode: str, rate: Fraction) -> int:
    """Frames since midnight; a `;` before the frames means drop-frame. ValueError for what is no timecode."""
    hours, minutes, seconds, frames = (int(part) for part in timecode.replace(";", ":").split(":"))
    nominal = -(-rate.numerator // rate.denominator)
    labels = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if ";" not in timecode:
        return labels
    skipped_minutes = sum(1 for minute in range(1, hours * 60 + minutes + 1) if minute % 10)
    return labels - skipped_minutes * (nominal // 15)


def timecode_of(frame: int, rate: Fraction, *, drop_frame: bool = False) -> str:
    """The label of `frame`, counted from midnight."""
    nominal = -(-rate.numerator // rate.denominator)
    label = frame
    if drop_frame:
        # The labels skipped before a frame depend on its label: ask again until the answer stands.
        for _ in range(3):
            minutes = label // (nominal * 60)
            label = frame + (minutes - minutes // 10) * (nominal // 15)
    seconds, frames = divmod(label, nominal)
    separator = ";" if drop_frame else ":"
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{frames:02}"
