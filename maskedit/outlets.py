# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one edit delivers, written side by side from each frame: all of it gets its names in the end, or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from maskedit.colour import View
from maskedit.compositing import composite, fill_frame, matte_frame, patch_frame
from maskedit.deliverable import Deliverable, DeliverableKind, result_names
from maskedit.geometry import Rect
from maskedit.media import ClipWriter, PlateFrame, convert
from maskedit.media.fidelity import CodecError
from maskedit.painting import Picture
from maskedit.request import FrameRange, MediaFacts


@dataclass(frozen=True)
class Delivered:
    """One written deliverable: a file, or a sequence's folder. `error`: what its codec changed, if it was measured."""

    path: Path
    deliverable: Deliverable
    pixel_format: str
    error: CodecError | None

    def as_json(self) -> dict[str, object]:
        """For the take's record; errors are in codes of 10 bits."""
        return {
            "name": self.path.name,  # beside the record
            "kind": str(self.deliverable.kind),
            "format": str(self.deliverable.format),
            "pixel_format": self.pixel_format,
            "codec_error": None if self.error is None else asdict(self.error),
        }


def scored(delivered: Sequence[Delivered]) -> Delivered | None:
    """The one by which an edit is scored: the first whole frame, or else the first patch; None without either."""
    for kind in (DeliverableKind.FULL, DeliverableKind.PATCH):
        for each in delivered:
            if each.deliverable.kind is kind:
                return each
    return None


class Outlets:
    """Writes every one of `deliverables` into the folder `output`, each encoded on a thread of its own.

    `first_number`: see `ClipWriter`. Entered once; `write` takes the frames of `frames` in order. On leaving the block
    all are finished first and named then, so that an error, a full disk among them, leaves nothing behind. Raises
    OutputError.
    """

    def __init__(
        self,
        output: Path,
        deliverables: Sequence[Deliverable],
        *,
        facts: MediaFacts,
        view: View,
        source: str,
        frames: FrameRange,
        first_number: int | None = None,
    ) -> None:
        clip = {"facts": facts, "source": source, "frames": frames, "first_number": first_number}
        self._wanted = [
            (output / name, each, ClipWriter(output / name, deliverable=each, **clip))
            for name, each in zip(result_names(deliverables), deliverables, strict=True)
        ]
        self._view = view
        self._open = ExitStack()

    def __enter__(self) -> Self:
        for _, _, writer in self._wanted:
            self._open.callback(writer.close)
            writer.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        writers = [writer for _, _, writer in self._wanted]
        with self._open:
            if kind is None:
                for writer in writers:
                    writer.finish()
                for writer in writers:
                    writer.publish()

    @property
    def delivered(self) -> tuple[Delivered, ...]:
        """What was written, in the order in which it was asked for."""
        return tuple(Delivered(path, each, writer.pixel_format, writer.error) for path, each, writer in self._wanted)

    def keep(self, frames: Sequence[PlateFrame]) -> None:
        """The next frame as it was delivered before: one plate for each of the deliverables, in their order."""
        for frame, (_, _, writer) in zip(frames, self._wanted, strict=True):
            writer.write(frame)

    def write(self, plate: PlateFrame, picture: Picture, *, rect: Rect, paste_matte: Picture) -> None:
        """The next frame: `picture` (h, w, 3), display values of the view, over `plate` at `rect` by its matte."""
        plate = self._view.understood(plate)
        made: dict[tuple[DeliverableKind, str], PlateFrame] = {}
        for _, each, writer in self._wanted:
            full = each.kind is DeliverableKind.FULL
            key = each.kind, writer.pixel_format if full else ""
            if key not in made:
                made[key] = _shown(
                    each.kind,
                    writer.pixel_format,
                    plate,
                    picture,
                    view=self._view,
                    rect=rect,
                    matte=paste_matte,
                )
            writer.write(made[key])


def _shown(
    kind: DeliverableKind,
    pixel_format: str,
    plate: PlateFrame,
    picture: Picture,
    *,
    view: View,
    rect: Rect,
    matte: Picture,
) -> PlateFrame:
    match kind:
        case DeliverableKind.PATCH:
            return patch_frame(plate, picture, x=rect.x, y=rect.y, paste_matte=matte, view=view)
        case DeliverableKind.FILL:
            return fill_frame(plate, picture, x=rect.x, y=rect.y, paste_matte=matte, view=view)
        case DeliverableKind.MATTE:
            return matte_frame(plate, matte)
        case DeliverableKind.FULL:
            # Converted before the paste, so that outside it the result equals the converted plate sample for sample.
            converted = convert(plate, pixel_format)
            return composite(converted, picture, x=rect.x, y=rect.y, paste_matte=matte, view=view)
