# SPDX-License-Identifier: GPL-3.0-or-later
"""The last stage: generated crops over the untouched source, frame by frame, into the result file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from maskedit.checking import CheckedEdit
from maskedit.compositing import composite, patch_frame
from maskedit.draft import Picture
from maskedit.geometry import CropPlan, model_to_crop
from maskedit.media import ClipReader, ClipWriter, PlateFrame, convert
from maskedit.preparing import keyframe_picture, numbered_paste_mattes
from maskedit.presets import Edges
from maskedit.progress import Reporter, Stage
from maskedit.request import DeliverableFormat, DeliverableKind, EditRequest
from maskedit.shot import to_picture

_SEQUENCES = (DeliverableFormat.PNG, DeliverableFormat.EXR)


def deliver(
    request: EditRequest,
    checked: CheckedEdit,
    *,
    rendered: Mapping[int, Tensor],
    plan: CropPlan,
    edges: Edges,
    output: Path,
    reporter: Reporter,
) -> Path:
    """Write the result into the folder `output` and return its path.

    `rendered`: frame number → (1, 3, 1, H, W) in [-1, 1] at model size. Keyframes are delivered as they were
    painted. Decoding, compositing and encoding overlap; no more than a few frames are held.
    """
    output.mkdir(parents=True, exist_ok=True)
    deliverable, frames, source = request.deliverables[0], checked.frames, request.target.path
    sequence = deliverable.format in _SEQUENCES
    path = output / ("result" if sequence else f"result.{deliverable.format}")
    keyframes = {keyframe.frame: keyframe for keyframe in request.keyframes}
    x, y = plan.rect.x, plan.rect.y

    def paste(plate: PlateFrame, matte: Picture) -> PlateFrame:
        if plate.number in keyframes:
            picture = keyframe_picture(keyframes[plate.number], plate.rgb())[plan.rect.slices]
        else:
            picture = model_to_crop(to_picture(rendered[plate.number]), plan)
        if deliverable.kind is DeliverableKind.PATCH:
            return patch_frame(plate, picture, x=x, y=y, paste_matte=matte)
        # Converted before the paste, so that outside it the result equals the converted plate sample for sample.
        return composite(convert(plate, writer.pixel_format), picture, x=x, y=y, paste_matte=matte)

    with (
        ClipReader(source, first_number=request.target.first_number or None) as clip,
        ClipWriter(path, facts=checked.facts, deliverable=deliverable, source=source, frames=frames) as writer,
    ):
        plates = clip.frames(frames.first, frames.last)
        mattes = numbered_paste_mattes(request, checked, edges=edges)
        for done, (plate, (_, matte)) in enumerate(zip(plates, mattes, strict=True), start=1):
            writer.write(paste(plate, matte))
            reporter.report(Stage.COMPOSITE, done, total=len(frames))
        reporter.report(Stage.WRITE, 0, total=1)
    reporter.report(Stage.WRITE, 1, total=1)
    return path
