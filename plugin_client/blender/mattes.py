# SPDX-License-Identifier: GPL-3.0-or-later
"""The matte of a strip's visible part, from Blender's masks, from other strips, or from a file.

Masks and strips are rendered by a second Blender: here, on the main thread, they are only saved to a file of their
own, so that nothing freezes and nothing of the user's changes. Outside a strip that serves as a matte all is black.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import carried, child, versions
from plugin_client.blender.child_jobs import CUT_OUT, MATTE, MaskPictures, Pictures, RenderJob, StripPictures
from plugin_client.blender.orders import MatteChoice, StripShot
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Prepared, Progress

if TYPE_CHECKING:
    from plugin_client.core.requests import MatteFile

_FORMS = {"mask": MATTE, "mask_strip": MATTE, "luma": MATTE, "alpha": CUT_OUT}


def prepare_matte(scene: Any, strip_shot: StripShot, choice: MatteChoice, folder: str | Path) -> Prepared[MatteFile]:
    """The matte as pictures of the shot's frames in a new folder inside `folder`, or the file that was chosen.

    A mask is read at the timeline's frames, in the pixels of the strip's media: the strip's crop and transform and the
    scene's pixel aspect have no part in it (neither has a display aspect given to a movie clip that it was drawn over).
    A mask strip is read with its own timing. Another strip's luma or alpha is that of its file, however it is placed;
    strips without a file count as they lie in the scene's picture. Call what is returned once.

    Raises BadInput for what is not there, does not lie over the strip, or lies before frame 0.
    """
    if choice.kind == "file":
        return _given_file(bpy.path.abspath(choice.name), choice)
    if choice.kind not in _FORMS:
        raise BadInput(f"There are no mattes of the kind {choice.kind!r}: choose a mask, a strip or a file.")
    if 0 in strip_shot.size:
        raise BadInput(
            f"Blender does not know how large the pictures of {strip_shot.spot.strip} are: reload the strip "
            "(Strip, Reload Strips and Adjust Length)."
        )
    first, last = timeline_frames(strip_shot)
    private = child.new_folder(folder, "render")
    with child.gone_on_error(private):
        pictures = _pictures(scene, strip_shot, choice, blend=os.path.join(private, "matte.blend"))
    job = RenderJob(pictures=pictures, first=first, last=last, form=_FORMS[choice.kind], folder=private)
    return _Rendered(job, choice, strip_shot.shot.frames.first, str(folder))


def timeline_frames(strip_shot: StripShot) -> tuple[int, int]:
    """The first and the last timeline frame of the shot. Raises BadInput for those that Blender does not render."""
    first = strip_shot.shot.record_frame
    if first < 0:
        raise BadInput(
            f"The strip {strip_shot.spot.strip} begins at frame {first}, and Blender renders nothing before frame 0: "
            "move it to a later frame."
        )
    return first, first + len(strip_shot.shot.frames) - 1


class _Rendered:
    """What renders a prepared matte, called on any thread but the main one."""

    def __init__(self, job: RenderJob, choice: MatteChoice, first_frame: int, folder: str) -> None:
        self._job, self._choice, self._first_frame, self._folder = job, choice, first_frame, folder

    def __call__(self, progress: Progress) -> MatteFile:
        from plugin_client.core.requests import MatteFile

        with child.gone_after(self._job.folder):
            made = child.render(self._job, progress)
            target = Path(child.new_folder(self._folder, "matte"))
            # The names tell people which frame is which; the server goes by `first_frame`.
            for number, picture in enumerate(made, self._first_frame):
                picture.replace(target / f"matte.{number:06d}.png")
        return MatteFile(
            str(target / "matte.%06d.png"),
            invert=self._choice.invert,
            channel="alpha" if self._choice.kind == "alpha" else "luma",
            first_frame=self._first_frame,
        )


def _given_file(path: str, choice: MatteChoice) -> Prepared[MatteFile]:
    def checked(progress: Progress) -> MatteFile:
        from plugin_client.core.media import files_of
        from plugin_client.core.requests import MatteFile

        files_of(path)
        return MatteFile(path, invert=choice.invert)

    return checked


def _pictures(scene: Any, strip_shot: StripShot, choice: MatteChoice, *, blend: str) -> Pictures:
    first, last = timeline_frames(strip_shot)
    if choice.kind == "mask":
        mask = bpy.data.masks.get(choice.name)
        if mask is None:
            raise BadInput(f"There is no mask {choice.name}: draw one in the image editor, or choose another.")
        carried.mask_alone(mask, blend)
        return MaskPictures(
            blend=blend, mask=mask.name, mask_first=first, mask_last=last, offset=0,
            start=first, length=last - first + 1, size=strip_shot.size,
        )  # fmt: skip
    strip = versions.strip_named(scene, choice.name)
    if strip is None:
        raise BadInput(f"There is no strip {choice.name} in {scene.name}: choose another matte.")
    timing = versions.timing_of(strip)
    # Blender ends a mask strip one frame before its mask.
    tail = int(choice.kind == "mask_strip" and timing.source_first + timing.length == timing.content_length)
    if timing.start > last or timing.start + timing.length + tail <= first:
        raise BadInput(f"The strip {choice.name} does not lie over {strip_shot.spot.strip}: move it there.")
    if choice.kind != "mask_strip":
        carried.whole_file(blend)
        is_file = versions.kind_of(strip) in ("movie", "image")
        return StripPictures(blend=blend, scene=scene.name, name=strip.name, as_placed=not is_file)
    if versions.kind_of(strip) != "mask" or strip.mask is None:
        raise BadInput(f"The strip {choice.name} shows no mask: choose a mask strip, or the mask itself.")
    if timing.is_retimed:
        raise BadInput(f"The mask strip {choice.name} is retimed: reset its retiming, or choose the mask itself.")
    carried.mask_alone(strip.mask, blend)
    return MaskPictures(
        blend=blend, mask=strip.mask.name, mask_first=strip.mask.frame_start, mask_last=strip.mask.frame_end,
        offset=timing.source_first, start=timing.start, length=timing.length + tail, size=strip_shot.size,
    )  # fmt: skip
