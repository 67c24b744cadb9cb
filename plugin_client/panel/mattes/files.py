# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order a document's mattes are laid over one another, and the files that say the same to a server (no Qt).

Imported files that add lie at the bottom, what is drawn lies over them, and files that are subtracted take away from
all of it. So a subtracted shape cuts into an imported matte too, and the order of the list of files means nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from maskedit.errors import InputError, OutputError
from maskedit.mattes.roto import RotoFile, Shape, Stroke, dump_roto
from maskedit.request import MediaFacts
from plugin_client.core.placing import put_in_place
from plugin_client.core.requests import MatteFile
from plugin_client.panel.model.document import Document


@dataclass(frozen=True)
class Laid:
    """One matte of the pile: a roto, or an imported file; `subtract`: it takes away from what lies below."""

    matte: RotoFile | MatteFile
    subtract: bool


def roto_of(document: Document, facts: MediaFacts) -> RotoFile:
    """Everything that is drawn in the document, as one roto file of the clip's size.

    Raises InputError where nothing is drawn, or nothing that adds.
    """
    layers = (*document.shapes, *document.strokes)
    if not layers:
        raise InputError("Nothing is drawn yet: draw a shape around what is to change.")
    if all(layer.blend == "subtract" for layer in layers):
        raise InputError("Everything drawn is subtracted, so nothing is left: draw a shape that adds.")
    return _roto(document.shapes, document.strokes, facts)


def write_roto(document: Document, facts: MediaFacts, path: Path) -> None:
    """Write `roto_of` the document to `path`: whole, or not at all. Raises InputError as that, and OutputError."""
    _write(dump_roto(roto_of(document, facts)), path)


def pile(document: Document, facts: MediaFacts) -> tuple[Laid, ...]:
    """The document's edit mattes from the bottom to the top; () where there are none."""
    files = [matte for matte in document.mattes if matte.purpose == "edit"]
    below = [Laid(matte, subtract=False) for matte in files if not matte.subtract]
    above = [Laid(matte, subtract=True) for matte in files if matte.subtract]
    return (*below, *_drawn(document, facts, apart=bool(below)), *above)


def matte_files(
    document: Document, facts: MediaFacts, folder: Path, *, workspace: Path | None = None
) -> tuple[MatteFile, ...]:
    """All mattes of the document as files, in the order in which a server has to be given them.

    What is drawn is written into `folder`, under names that its content decides, so that a job that waits in the queue
    never finds another drawing under its name. Relative paths of imported files lie in `workspace`. () means that no
    matte is given. Raises InputError where everything is subtracted, OutputError where nothing can be written.
    """
    layers = pile(document, facts)
    if layers and all(laid.subtract for laid in layers):
        raise InputError("Every matte is subtracted, so nothing is left: draw a shape or import a matte that adds.")
    given = [_as_file(laid, folder) for laid in layers]
    given += [matte for matte in document.mattes if matte.purpose != "edit"]
    return tuple(replace(matte, path=str((workspace or Path()) / matte.path)) for matte in given)


def _drawn(document: Document, facts: MediaFacts, *, apart: bool) -> list[Laid]:
    """What is drawn: as one roto, or where it lies over something, as one for each change between add and subtract."""
    layers = (*document.shapes, *document.strokes)
    if not layers:
        return []
    if not apart and any(layer.blend == "add" for layer in layers):
        return [Laid(roto_of(document, facts), subtract=False)]
    # Not validated: while somebody draws, there may be nothing but subtracted shapes.
    order = RotoFile.model_construct(shapes=document.shapes, strokes=document.strokes).layers()
    return [Laid(_as_added(list(run), facts), subtract=blend == "subtract") for blend, run in groupby(order, _blend)]


def _blend(layer: Shape | Stroke) -> str:
    return layer.blend


def _as_added(layers: Sequence[Shape | Stroke], facts: MediaFacts) -> RotoFile:
    """Layers of one blend as a roto of their own, which is added or subtracted as a whole."""
    added = [layer.model_copy(update={"blend": "add"}) for layer in layers]
    shapes = tuple(layer for layer in added if isinstance(layer, Shape))
    return _roto(shapes, tuple(layer for layer in added if isinstance(layer, Stroke)), facts)


def _roto(shapes: tuple[Shape, ...], strokes: tuple[Stroke, ...], facts: MediaFacts) -> RotoFile:
    names = {shape.name for shape in shapes}
    orphans = [stroke.under not in names and bool(stroke.under) for stroke in strokes]
    kept = [
        stroke.model_copy(update={"under": ""}) if orphan else stroke
        for stroke, orphan in zip(strokes, orphans, strict=True)
    ]
    aspect = facts.pixel_aspect
    return RotoFile(
        format="maskedit-roto",
        version=1,
        size=(facts.width, facts.height),
        pixel_aspect=(aspect.numerator, aspect.denominator),
        shapes=shapes,
        strokes=tuple(kept),
    )


def _as_file(laid: Laid, folder: Path) -> MatteFile:
    if isinstance(laid.matte, MatteFile):
        return laid.matte
    text = dump_roto(laid.matte)
    path = folder / f"roto-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not path.exists():
        _write(text, path)
    return MatteFile(str(path), subtract=laid.subtract)


def _write(text: str, path: Path) -> None:
    hidden = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_text(text, encoding="utf-8")
        put_in_place(hidden, path)
    except OSError as error:
        hidden.unlink(missing_ok=True)
        raise OutputError(
            f"{path.name} cannot be written ({error.strerror}): make room or choose another place."
        ) from error
