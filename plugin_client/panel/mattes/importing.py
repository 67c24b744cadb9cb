# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes from elsewhere: pictures as they are, drawings as shapes that can be edited (no Qt)."""

from __future__ import annotations

import re
from pathlib import Path

from maskedit.errors import InputError
from maskedit.mattes.fusion import read_fusion_masks
from maskedit.mattes.rescaling import at_size
from maskedit.mattes.roto import RotoFile, read_roto
from maskedit.media import ClipReader, probe
from maskedit.request import AlphaMode, MediaFacts
from plugin_client.core.requests import MatteFile
from plugin_client.panel.mattes.scene import reader_of
from plugin_client.panel.model.document import Document
from plugin_client.panel.roto.layers import free_name, with_new

DRAWINGS = (".json", ".setting", ".comp")
_NUMBERED = re.compile(r"(.*?)(\d+)(\.[^.]+)")


def is_drawing(path: Path) -> bool:
    """Whether the file holds shapes, not pictures."""
    return path.suffix.lower() in DRAWINGS


def sequence_of(path: Path) -> str:
    """The image sequence that the picture at `path` belongs to, as `matte.%04d.png`; `path` itself if it is alone."""
    match = _NUMBERED.fullmatch(path.name)
    if match is None:
        return str(path)
    before, number, after = match.groups()
    digits = len(number)
    alike = re.compile(rf"{re.escape(before)}\d{{{digits}}}{re.escape(after)}")
    if sum(1 for each in path.parent.iterdir() if alike.fullmatch(each.name)) < 2:
        return str(path)
    field = f"%0{digits}d" if digits > 1 else "%d"
    return str(path.with_name(f"{before}{field}{after}"))


def matte_at(path: Path, facts: MediaFacts, *, purpose: str = "edit") -> MatteFile:
    """The matte in a video or picture of a sequence, its channel found by looking.

    `facts`: the clip's. Raises InputError, saying what to do, if its size or length is not the clip's, or it is empty.
    """
    media = sequence_of(path.absolute())
    found = probe(media)
    channel = "alpha" if found.alpha_mode is not AlphaMode.NONE and _alpha_varies(media, found) else "luma"
    matte = MatteFile(media, purpose=purpose, channel=channel)
    reader_of(matte, facts, workspace=Path())
    return matte


def read_drawing(path: Path, facts: MediaFacts) -> RotoFile:
    """The shapes and strokes of a roto file or a Fusion comp, in the clip's pixels, frames counted from 0.

    They are scaled where they were drawn on the clip in another size. Raises InputError.
    """
    if path.suffix.lower() == ".json":
        roto = read_roto(str(path))
    else:
        roto = read_fusion_masks(path, width=facts.width, height=facts.height)
    (width, height), shape = roto.size, facts.height / facts.width
    if min(abs(height - width * shape), abs(width - height / shape)) > 1:
        raise InputError(
            f"{path.name} was drawn on {width}x{height} pixels, which is not the shape of the clip's "
            f"{facts.width}x{facts.height}: choose the drawing that belongs to this clip."
        )
    return at_size(roto, (facts.width, facts.height))


def with_drawing(document: Document, roto: RotoFile) -> Document:
    """The document with all shapes and strokes of `roto` over its own, under names that are free."""
    names: dict[str, str] = {}
    for shape in roto.shapes:
        names[shape.name] = free_name(document, shape.name or "Shape 1")
        document, _ = with_new(document, shape.model_copy(update={"name": names[shape.name]}))
    for stroke in roto.strokes:
        fields = {"under": names.get(stroke.under, ""), "name": free_name(document, stroke.name or "Stroke 1")}
        document, _ = with_new(document, stroke.model_copy(update=fields))
    return document


def _alpha_varies(media: str, found: MediaFacts) -> bool:
    """White-on-black pictures often carry an alpha that is the same everywhere; their luma is the matte."""
    last = found.frame_count - 1
    with ClipReader(media) as clip:
        for number in sorted({0, last // 2, last}):
            alpha = next(clip.frames(number, number)).alpha()
            if alpha is not None and alpha.min() < alpha.max():
                return True
    return False
