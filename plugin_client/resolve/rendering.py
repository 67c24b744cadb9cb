# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that no file holds, through Resolve's render queue: compound and Fusion clips, generators, single frames.

The Deliver page's settings cannot be read: they are saved as a preset of ours, which is loaded again in the end. What
Resolve says of a job is not believed; the files are looked at, in a folder that was empty before.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Progress
from plugin_client.core.media import sequence_files
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.api import ask, has, insist, setting
from plugin_client.resolve.finding import find
from plugin_client.resolve.reading import timeline_rate
from plugin_client.resolve.render_formats import RenderFormat, best_format
from plugin_client.resolve.restoring import WayBack, going_back, keep_playhead, show_only, to_page, to_timeline
from plugin_client.resolve.spots import Spot

_PRESET = "MaskEdit puts this back"
_SINGLE_CLIP = 1
_IDLE_LOOKS = 4
"""How often a job has to be found neither running nor complete before it counts as stopped: percentages lag behind."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """`poll_s`: between two questions. `stall_s`: without any progress. `stop_s`: for a render to end when told to."""

    poll_s: float = 0.5
    stall_s: float = 1800
    stop_s: float = 60


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """`media`: a file, or a pattern of numbered pictures. `notes`: sentences about what is not as it was."""

    media: str
    notes: tuple[str, ...] = ()


def render_item(
    resolve: Any,
    spot: Spot,
    folder: Path,
    *,
    progress: Progress,
    frames: FrameRange | None = None,
    alpha: bool = False,
    patience: Patience | None = None,
) -> Rendered:
    """The item at `spot` as the timeline shows it, without the clips around it, at the timeline's size and rate.

    `frames`: counted from 0 at the item's first; None for all of them. `progress` is told in frames. Raises BadInput
    if the item is gone or trimmed, or Resolve does not render; what `progress` raises ends the render.
    """
    found = find(resolve, spot)
    start = int(ask(found.item, "GetStart"))
    if int(ask(found.item, "GetDuration")) != spot.length:
        raise BadInput(f"{spot.item_name} was trimmed meanwhile: choose it anew.")
    part = frames or FrameRange(0, spot.length - 1)
    return render_track(
        resolve,
        found.project,
        found.timeline,
        folder,
        track=found.track,
        span=part.shifted(start),
        name=spot.item_name,
        progress=progress,
        alpha=alpha,
        patience=patience,
    )


def render_track(
    resolve: Any,
    project: Any,
    timeline: Any,
    folder: Path,
    *,
    track: int,
    span: FrameRange,
    name: str,
    progress: Progress,
    alpha: bool = False,
    patience: Patience | None = None,
) -> Rendered:
    """What video track `track` alone shows at the timeline's frames `span`, counted as `GetStart` counts.

    The files lie in a new folder inside `folder` and are called after `name`; with `alpha`, they have the track's
    alpha channel. Raises as `render_item` does; then there are no files, and Resolve is as it was.
    """
    patience = patience or Patience()
    if project.IsRenderingInProgress():
        raise BadInput("Resolve is rendering: wait until it has finished, then try again.")
    folder.mkdir(parents=True, exist_ok=True)
    private = Path(tempfile.mkdtemp(prefix="render-", dir=folder))
    stem = re.sub(r"[^\w-]+", "_", re.sub(r"\.\w{2,4}$", "", name)).strip("_") or "clip"
    try:
        with going_back() as back:
            to_page(resolve, "deliver", back)
            to_timeline(project, timeline, back)
            notes = [keep_playhead(timeline, back), _keep_settings(project, back)]
            show_only(timeline, track, back)
            chosen = best_format(project, alpha=alpha)
            # Pictures are numbered right after the name.
            stem += "_" if chosen.is_sequence else ""
            settings = _settings(timeline, span, private, stem, alpha=alpha)
            job = _queue(project, chosen, settings, back, patience)
            _run(project, job, len(span), progress, patience)
            media = _written(private, chosen, len(span))
    except BaseException:
        shutil.rmtree(private, ignore_errors=True)
        raise
    return Rendered(media=media, notes=tuple(words for words in (*notes, back.words) if words))


def _keep_settings(project: Any, back: WayBack) -> str:
    """Save the Deliver page's settings as a preset. Returns a sentence about it where this Resolve cannot delete it."""
    there = ask(project, "GetRenderPresetList")
    preset = next(name for number in range(1, len(there) + 2) if (name := f"{_PRESET} {number}") not in there)
    before = ask(project, "GetCurrentRenderFormatAndCodec"), ask(project, "GetCurrentRenderMode")
    if has(project, "DeleteRenderPreset"):
        back.note(f"the render presets ({preset} is ours)", lambda: _forget_preset(project, preset))
    back.note("the render format", lambda: _put_format_back(project, *before))
    trouble = "Resolve does not save its render settings as a preset, so they could not be put back: try again."
    ask(project, "SaveAsNewRenderPreset", preset, trouble=trouble)
    back.call("the render settings", project, "LoadRenderPreset", preset)
    return "" if has(project, "DeleteRenderPreset") else f"The render preset {preset} has done its work: delete it."


def _forget_preset(project: Any, preset: str) -> bool:
    # Saving may have failed; a list that is not answered is asked for once more.
    there = project.GetRenderPresetList() or project.GetRenderPresetList() or []
    return preset not in there or insist(project, "DeleteRenderPreset", preset)


def _put_format_back(project: Any, codec: dict[str, str], mode: int) -> bool:
    """Where loading the preset has not done so."""
    is_back = project.GetCurrentRenderFormatAndCodec() == codec
    is_back = is_back or insist(project, "SetCurrentRenderFormatAndCodec", codec["format"], codec["codec"])
    return (project.GetCurrentRenderMode() == mode or insist(project, "SetCurrentRenderMode", mode)) and is_back


def _settings(timeline: Any, span: FrameRange, folder: Path, stem: str, *, alpha: bool) -> dict[str, Any]:
    """All that decides what is rendered: what is left out stays as someone left it on the Deliver page."""
    width, height = (setting(timeline, f"timelineResolution{axis}") for axis in ("Width", "Height"))
    settings = {
        "SelectAllFrames": False,
        "MarkIn": span.first,
        "MarkOut": span.last,  # the last frame itself
        "TargetDir": str(folder),
        "CustomName": stem,
        "ExportVideo": True,
        "ExportAudio": False,
        "FormatWidth": int(width),
        "FormatHeight": int(height),
        "FrameRate": round(float(timeline_rate(timeline)), 3),
        "ExportAlpha": alpha,
    }
    return settings | ({"AlphaMode": 1} if alpha else {})  # straight


def _queue(project: Any, chosen: RenderFormat, settings: dict[str, Any], back: WayBack, patience: Patience) -> str:
    """A job of its own in the queue. Returns its id; raises BadInput if it is not the job that was meant."""
    trouble = "Resolve does not take the render settings: look at its Deliver page, then try again."
    ask(project, "SetCurrentRenderFormatAndCodec", chosen.format, chosen.codec, trouble=trouble)
    ask(project, "SetCurrentRenderMode", _SINGLE_CLIP, trouble=trouble)
    ask(project, "SetRenderSettings", settings, trouble=trouble)
    job = project.AddRenderJob()
    if not job:
        raise BadInput("Resolve adds nothing to its render queue: look at its Deliver page, then try again.")
    back.note("the render queue", lambda: _remove(project, job, patience))
    shown = next((each for each in ask(project, "GetRenderJobList") if each.get("JobId") == job), None)
    if shown is None:
        raise BadInput(trouble)
    # Whether its frames are counted from midnight or from the timeline's start, there are as many.
    length = int(shown.get("MarkOut", settings["MarkOut"])) - int(shown.get("MarkIn", settings["MarkIn"]))
    sizes = [int(shown.get(name, settings[name])) == settings[name] for name in ("FormatWidth", "FormatHeight")]
    if length != settings["MarkOut"] - settings["MarkIn"] or not all(sizes):
        raise BadInput("Resolve would render other frames or another size than were asked for: update Resolve.")
    return job


def _run(project: Any, job: str, frames: int, progress: Progress, patience: Patience) -> None:
    """Render the job and wait for its end; whatever ends the waiting ends the rendering."""
    progress(0, frames)
    ask(project, "StartRendering", [job], False, trouble="Resolve does not start to render: try again.")
    try:
        _wait(project, job, frames, progress, patience)
    except BaseException:
        _stop(project, patience)
        raise


def _wait(project: Any, job: str, frames: int, progress: Progress, patience: Patience) -> None:
    most, since, idle = -1, time.monotonic(), 0
    while True:
        is_running = bool(project.IsRenderingInProgress())
        answer = project.GetRenderJobStatus(job)
        # A dict, or a sentence about why there is none.
        status = answer if isinstance(answer, dict) else {}
        if status.get("Error"):
            raise BadInput(
                f"Resolve could not render the clip ({str(status['Error']).rstrip('.')}): see to that first."
            )
        done = int(status.get("CompletionPercentage") or 0)
        # The status itself is a word in the language of the application.
        if done >= 100 and not is_running:
            progress(frames, frames)
            return
        idle = 0 if is_running else idle + 1
        if idle == _IDLE_LOOKS:
            raise BadInput("The render was stopped in Resolve: begin again.")
        if done > most:
            most, since = done, time.monotonic()
            progress(done * frames // 100, frames)
        elif time.monotonic() - since > patience.stall_s:
            raise BadInput("Resolve does not get on with rendering: look at its Deliver page, then try again.")
        time.sleep(patience.poll_s)


def _stop(project: Any, patience: Patience) -> None:
    until = time.monotonic() + patience.stop_s
    # A call that fails says no as well: only two say that it has ended.
    while any(project.IsRenderingInProgress() for _ in range(2)) and time.monotonic() < until:
        project.StopRendering()
        time.sleep(patience.poll_s)


def _remove(project: Any, job: str, patience: Patience) -> bool:
    """A job that has just ended may be held for a moment longer."""
    until = time.monotonic() + patience.stop_s
    while not insist(project, "DeleteRenderJob", job):
        if time.monotonic() > until:
            return False
        time.sleep(patience.poll_s)
    return True


def _written(folder: Path, chosen: RenderFormat, frames: int) -> str:
    """The file or pattern that lies in `folder` now. Raises BadInput unless it is whole."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() == f".{chosen.format}")
    if len(files) != (frames if chosen.is_sequence else 1) or not all(file.stat().st_size for file in files):
        raise BadInput("Resolve says that it has rendered, but its files are not there: see that the disk is not full.")
    if not chosen.is_sequence:
        return str(files[0])
    pattern = re.sub(r"\d+(?=\.\w+$)", lambda number: f"%0{len(number[0])}d", str(files[0]))
    sequence_files(pattern)
    return pattern
