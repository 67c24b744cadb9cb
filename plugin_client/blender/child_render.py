# SPDX-License-Identifier: GPL-3.0-or-later
"""The second Blender's own part: renders one job that it reads from its standard input, see `child`.

It says on standard output how far it is, one line each behind MARK. It ends when its input does: whoever asked is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from typing import Any

import bpy

from plugin_client.blender import private_scenes, versions
from plugin_client.blender.child_jobs import CLIP, CUT_OUT, MARK, MATTE, PICTURE, FilePictures, RenderJob, from_line
from plugin_client.core.errors import BadInput

_FORMS = {MATTE: ("BW", "8"), CUT_OUT: ("RGBA", "8"), PICTURE: ("RGB", "8"), CLIP: ("RGB", "8")}


def main() -> None:
    """Render, and end this Blender."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    job = from_line(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    status = 0
    try:
        _say("made", render(job))
    except BadInput as problem:
        _say("refused", str(problem))
    except Exception:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    # Some versions crash or hang while they end.
    os._exit(status)


def render(job: RenderJob) -> list[str]:
    """The files made, in the order of their frames. Raises BadInput if there is nothing to render, or no room."""
    scene = private_scenes.build(job.pictures)
    scene.frame_start, scene.frame_end, scene.frame_step = job.first, job.last, 1
    settings = scene.render
    if job.form == CLIP:
        versions.set_file_format(settings.image_settings, "FFMPEG")
        settings.ffmpeg.format, settings.ffmpeg.codec, settings.ffmpeg.audio_codec = "QUICKTIME", "PNG", "NONE"
        settings.use_file_extension = False
        settings.filepath = os.path.join(job.folder, "clip.mov")
    else:
        versions.set_file_format(settings.image_settings, "PNG")
        settings.filepath = os.path.join(job.folder, "######.png")
    form = private_scenes.form_of(job.pictures.path) if isinstance(job.pictures, FilePictures) else _FORMS[job.form]
    settings.image_settings.color_mode, settings.image_settings.color_depth = form

    def written(*_: Any) -> None:
        _say("frame", scene.frame_current)

    bpy.app.handlers.render_write.append(written)
    bpy.ops.render.render(animation=True, scene=scene.name)
    frames = range(job.first, job.last + 1)
    made = [settings.filepath] if job.form == CLIP else [settings.frame_path(frame=frame) for frame in frames]
    if not all(map(os.path.exists, made)):
        raise BadInput(
            f"Not all of {len(frames)} frames could be written into {job.folder}: see that its disk has room."
        )
    return made


def _say(what: str, value: Any) -> None:
    print(MARK + json.dumps([what, value]), flush=True)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
