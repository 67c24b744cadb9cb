# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a strip: one frame for an image editor, or the whole of a strip that has no file of its own.

Colours are those of the file: nothing of the scene's view or of the strip's look is in them. Against PyAV's decoding
4.2 differs by 0/255 in RGB, 4.5 and later by up to 2/255, and all by up to 3/255 where YUV is turned into RGB. Where a
movie deeper than 8 bits is half transparent, 4.5 and later make its colours too bright.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from plugin_client.blender import carried, child
from plugin_client.blender.child_jobs import CLIP, PICTURE, FilePictures, Pictures, RenderJob, StripPictures
from plugin_client.blender.mattes import timeline_frames
from plugin_client.blender.orders import StripShot
from plugin_client.blender.sequences import file_showing
from plugin_client.core.host import Prepared, Progress


def prepare_picture(scene: Any, strip_shot: StripShot, frame: int, target: str | Path) -> Prepared[Path]:
    """The media's frame `frame`, counted from 0, as the PNG file `target` in the media's own size.

    PNG sequences are copied, byte for byte. Call what is returned once. Raises BadInput as `prepare_clip` does, and
    for a frame that is not there.
    """
    target, media = Path(target), strip_shot.shot.media
    if strip_shot.is_rendered:
        first, _ = timeline_frames(strip_shot)
        private = child.new_folder(target.parent, "render")
        return _of_strip(scene, strip_shot, PICTURE, target, first + frame, first + frame, private)

    def made(progress: Progress) -> Path:
        file = file_showing(media, frame)
        if file.suffix.lower() == ".png":
            return Path(shutil.copyfile(file, target))
        # A file of a sequence has one frame, its 0th.
        is_movie = str(file) == media
        first = frame if is_movie else 0
        private = child.new_folder(target.parent, "render")
        return _render(
            FilePictures(path=str(file), is_movie=is_movie), PICTURE, target, first, first, private, progress
        )

    return made


def prepare_clip(scene: Any, strip_shot: StripShot, folder: str | Path) -> Prepared[str]:
    """The shot's media; for scene and meta strips a movie of their visible part, inside `folder`.

    It shows the strip as it comes, as large as the scene's picture and at the scene's rate (as PNG in QuickTime):
    without its own crop, transform, opacity and modifiers, which a result gets as its own. Call what is returned once.

    Raises BadInput for a strip that begins before frame 0.
    """
    media = strip_shot.shot.media
    if not strip_shot.is_rendered:
        return lambda progress: media
    first, last = timeline_frames(strip_shot)
    private = child.new_folder(folder, "clip")
    rendered = _of_strip(scene, strip_shot, CLIP, Path(f"{private}.mov"), first, last, private)
    return lambda progress: str(rendered(progress))


def _of_strip(
    scene: Any, strip_shot: StripShot, form: str, target: Path, first: int, last: int, private: str
) -> Prepared[Path]:
    blend = os.path.join(private, "strip.blend")
    with child.gone_on_error(private):
        carried.whole_file(blend)
    pictures = StripPictures(blend=blend, scene=scene.name, name=strip_shot.spot.strip, has_look=False)
    return lambda progress: _render(pictures, form, target, first, last, private, progress)


def _render(
    pictures: Pictures, form: str, target: Path, first: int, last: int, private: str, progress: Progress
) -> Path:
    job = RenderJob(pictures=pictures, first=first, last=last, form=form, folder=private)
    with child.gone_after(private):
        (made,) = child.render(job, progress)
        return made.replace(target)
