# SPDX-License-Identifier: GPL-3.0-or-later
"""In and out of a document: the frames that are to be edited (no Qt)."""

from __future__ import annotations

from dataclasses import replace

from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.document import Document


def with_in(document: Document, frame: int, *, last: int) -> Document:
    """`document` with its range beginning at `frame` of a clip that ends with `last`; an out before it goes."""
    out = document.frames.last if document.frames is not None else last
    return _with(document, frame, out if out >= frame else last, last=last)


def with_out(document: Document, frame: int, *, last: int) -> Document:
    """`document` with its range ending at `frame`; an in behind it goes."""
    begin = document.frames.first if document.frames is not None else 0
    return _with(document, begin if begin <= frame else 0, frame, last=last)


def _with(document: Document, first: int, out: int, *, last: int) -> Document:
    whole = (first, out) == (0, last)
    return replace(document, frames=None if whole else FrameRange(first, out))
