# SPDX-License-Identifier: GPL-3.0-or-later
"""The last stage: generated crops over the untouched source, frame by frame, into the result file (torch-free)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from maskedit.checking import CheckedEdit
from maskedit.compositing import composite, patch_frame
from maskedit.geometry import Rect
from maskedit.mattes import region_mattes
from maskedit.media import ClipReader, ClipWriter, PlateFrame, convert
from maskedit.painting import Picture, keyframe_picture
from maskedit.progress import Reporter, Stage
from maskedit.request import DeliverableFormat, DeliverableKind, EditRequest

_SEQUENCES = (DeliverableFormat.PNG, DeliverableFormat.EXR)


def deliver(
    request: EditRequest,
    checked: CheckedEdit,
    *,
    generated: Callable[[int], tuple[Picture, Rect]],
    output: Path,
    reporter: Reporter,
) -> Path:
    """Write the result into the folder `output` and return its path.

    `generated`: frame number → the picture (h, w, 3) in [0, 1] at source scale, and where it lies in the frame; asked
    once for each frame, in order. Keyframes are delivered as they were painted. Decoding, compositing and encoding
    overlap; no more than a few frames are held.
    """
    output.mkdir(parents=True, exist_ok=True)
    deliverable, frames, source = request.deliverables[0], checked.frames, request.target.path
    sequence = deliverable.format in _SEQUENCES
    path = output / ("result" if sequence else f"result.{deliverable.format}")
    keyframes = {keyframe.frame: keyframe for keyframe in request.keyframes}

    def paste(plate: PlateFrame, matte: Picture) -> PlateFrame:
        picture, rect = generated(plate.number)
        if plate.number in keyframes:
            picture = keyframe_picture(keyframes[plate.number], plate.rgb())[rect.slices]
        if deliverable.kind is DeliverableKind.PATCH:
            return patch_frame(plate, picture, x=rect.x, y=rect.y, paste_matte=matte)
        # Converted before the paste, so that outside it the result equals the converted plate sample for sample.
        return composite(convert(plate, writer.pixel_format), picture, x=rect.x, y=rect.y, paste_matte=matte)

    with (
        ClipReader(source, first_number=request.target.first_number or None) as clip,
        ClipWriter(path, facts=checked.facts, deliverable=deliverable, source=source, frames=frames) as writer,
    ):
        plates = clip.frames(frames.first, frames.last)
        mattes = region_mattes(request.regions, facts=checked.facts, frames=frames)
        for done, (plate, (_, matte)) in enumerate(zip(plates, mattes, strict=True), start=1):
            writer.write(paste(plate, matte))
            reporter.report(Stage.COMPOSITE, done, total=len(frames))
        reporter.report(Stage.WRITE, 0, total=1)
    reporter.report(Stage.WRITE, 1, total=1)
    return path
