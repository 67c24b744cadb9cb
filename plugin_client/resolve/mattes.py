# SPDX-License-Identifier: GPL-3.0-or-later
"""The mattes that people make in Resolve: polygon masks in Fusion, attached mattes, an alpha output, a matte clip.

What is rendered shows the timeline's pixels and frames; it is taken only where those are the media's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Progress, Shot
from plugin_client.core.media import files_of
from plugin_client.core.requests import MatteFile
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.api import ask, items_on, properties, setting
from plugin_client.resolve.comps import export_comp, numbered_like_media
from plugin_client.resolve.finding import Found, find
from plugin_client.resolve.reading import pattern_of, read_item
from plugin_client.resolve.rendering import Patience, render_item, render_track
from plugin_client.resolve.restoring import going_back, to_page
from plugin_client.resolve.spots import ItemShot, spot_from

TRACK = "MaskEdit matte"
"""What the video track with matte clips is called."""
_PLAIN = {
    **dict.fromkeys(("Pan", "Tilt", "RotationAngle", "Pitch", "Yaw", "Distortion"), 0),
    **dict.fromkeys(("CropLeft", "CropRight", "CropTop", "CropBottom"), 0),
    **dict.fromkeys(("ZoomX", "ZoomY"), 1),
    **dict.fromkeys(("FlipX", "FlipY"), False),
}


@dataclass(frozen=True, kw_only=True)
class Taken:
    """`notes`: sentences about what is not as it was in Resolve."""

    matte: MatteFile
    notes: tuple[str, ...] = ()


def offered(resolve: Any, shot: Shot) -> tuple[str, ...]:
    """The choices for `matte_of` that `shot` has: "fusion:1" for each comp, "attached:1" for each attached matte,
    "track" where a clip lies over it on the matte track, and "alpha", which only the rendered picture can tell.

    Raises BadInput if the clip is gone.
    """
    found = find(resolve, spot_from(shot.place))
    comps = int(ask(found.item, "GetFusionCompCount"))
    return (
        *(f"fusion:{number}" for number in range(1, comps + 1)),
        *(f"attached:{number}" for number, _ in enumerate(_attached(found), start=1)),
        *(["track"] if _matte_clips(found)[1] else []),
        "alpha",
    )


def matte_of(
    resolve: Any, shot: Shot, choice: str, folder: Path, *, progress: Progress, patience: Patience | None = None
) -> Taken:
    """The matte that `choice` names, one of `offered`; "fusion" and "attached" without a number are the first.

    White is the region to edit, in the pixels of the shot's media and numbered like it; what has to be written lies in
    `folder`. The path of a "fusion" matte is a comp (`.comp`), for the panel to read as shapes. Raises BadInput for
    what is not there and for what does not lie over the media pixel for pixel; Resolve is afterwards as it was.
    """
    found = find(resolve, spot_from(shot.place))
    now = read_item(found.project, found.timeline, found.item)
    kind, _, number = choice.partition(":")
    if number and not number.isdecimal():
        raise BadInput(f"{choice} is no matte: choose one of those that the clip has.")
    if kind == "fusion":
        return _fusion(resolve, found, now, folder, number=int(number) if number else None)
    if kind == "attached":
        return _attached_matte(found, now, number=int(number or 1))
    if kind == "track":
        return _track(resolve, found, now, folder, progress=progress, patience=patience)
    if kind == "alpha":
        _check_pixels(found, now)
        made = render_item(resolve, now.spot, folder, progress=progress, alpha=True, patience=patience)
        matte = MatteFile(made.media, channel="alpha", first_frame=now.shot.frames.first)
        return Taken(matte=matte, notes=made.notes)
    raise BadInput(f"There are no mattes of the kind {kind}: choose one of those that the clip has.")


def _fusion(resolve: Any, found: Found, now: ItemShot, folder: Path, *, number: int | None) -> Taken:
    name, target = now.spot.item_name, folder / f"fusion_{'masks' if number is None else number}.comp"
    if now.is_retimed:
        raise BadInput(f"{name} is retimed, and its comp with it: draw the matte in MaskEdit.")
    if now.shot.rate != now.spot.rate:
        raise BadInput(f"{name} has another rate than its comp, which has the timeline's: draw the matte in MaskEdit.")
    with going_back() as back:
        to_page(resolve, "fusion", back)
        text = export_comp(found.item, target, name=name, number=number)
    moved = numbered_like_media(text, first=now.shot.frames.first, length=now.spot.length, name=name)
    target.write_text(moved, encoding="utf-8")
    return Taken(matte=MatteFile(str(target)), notes=(back.words,) if back.words else ())


def _attached_matte(found: Found, now: ItemShot, *, number: int) -> Taken:
    paths = _attached(found)
    if not 1 <= number <= len(paths):
        raise BadInput(f"{now.spot.item_name} has no such attached matte: add one to its clip in the media pool.")
    matte = pattern_of(paths[number - 1])
    files_of(matte)
    return Taken(matte=MatteFile(matte))


def _attached(found: Found) -> list[str]:
    """Paths of the mattes that are attached to the item's clip."""
    # A call that fails says None or nothing: all are asked twice.
    clip = found.item.GetMediaPoolItem() or found.item.GetMediaPoolItem()
    if clip is None:
        return []
    pool = ask(found.project, "GetMediaPool")
    return [str(path) for path in pool.GetClipMatteList(clip) or pool.GetClipMatteList(clip) or []]


def _track(
    resolve: Any, found: Found, now: ItemShot, folder: Path, *, progress: Progress, patience: Patience | None
) -> Taken:
    track, clips = _matte_clips(found)
    if not clips:
        raise BadInput(f"No clip lies over {now.spot.item_name} on a video track named {TRACK}: put the matte there.")
    direct = _file_as_long(found, now, clips)
    if direct is not None:
        return Taken(matte=direct)
    _check_pixels(found, now)
    span = FrameRange(now.spot.frame, now.spot.end - 1)
    wanted = {"track": track, "span": span, "name": "matte", "progress": progress, "patience": patience}
    made = render_track(resolve, found.project, found.timeline, folder, **wanted)
    matte = MatteFile(made.media, channel="luma", first_frame=now.shot.frames.first)
    return Taken(matte=matte, notes=made.notes)


def _matte_clips(found: Found) -> tuple[int, list[Any]]:
    """The matte track and what lies on it anywhere under the item's frames; (0, []) if there is none."""
    start, end = (int(ask(found.item, name)) for name in ("GetStart", "GetEnd"))
    for track in range(1, int(ask(found.timeline, "GetTrackCount", "video")) + 1):
        name = found.timeline.GetTrackName("video", track) or found.timeline.GetTrackName("video", track)
        if str(name).strip().casefold() == TRACK.casefold() and track != found.track:
            over = [item for item in items_on(found.timeline, track) if ask(item, "GetStart") < end]
            return track, [item for item in over if ask(item, "GetEnd") > start]
    return 0, []


def _file_as_long(found: Found, now: ItemShot, clips: list[Any]) -> MatteFile | None:
    """The matte clip's own file, where it belongs to the media frame for frame: nothing is lost in a render then."""
    if len(clips) != 1 or now.is_rendered or not _is_plain(clips[0]):
        return None
    try:
        matte = read_item(found.project, found.timeline, clips[0])
    except BadInput:
        # A still, say, which no shot can be: rendering shows it all the same.
        return None
    moved = now.shot.frames.first - matte.shot.frames.first + matte.shot.record_frame - now.shot.record_frame
    if matte.is_rendered or matte.is_retimed or now.is_retimed or moved or matte.shot.rate != now.shot.rate:
        return None
    lengths = {ask(item.GetMediaPoolItem(), "GetClipProperty", "Frames") for item in (found.item, clips[0])}
    covers = matte.spot.frame <= now.spot.frame and now.spot.end <= matte.spot.end
    return MatteFile(matte.shot.media) if covers and len(lengths) == 1 else None


def _check_pixels(found: Found, now: ItemShot) -> None:
    """Raise BadInput unless the timeline shows the media's own pixels, frame for frame, whatever their size."""
    if now.is_rendered:
        return
    name = now.spot.item_name
    if now.is_retimed:
        raise BadInput(f"{name} is retimed on the timeline, and its matte with it: draw it in MaskEdit.")
    if now.shot.rate != now.spot.rate:
        raise BadInput(f"{name} has another rate than the timeline that its matte lies on: draw it in MaskEdit.")
    if not _is_plain(found.item):
        raise BadInput(
            f"{name} is moved, scaled, turned or cropped on the timeline: reset that in the Inspector, and put it back "
            "when the matte has been taken."
        )
    across, down = (int(setting(found.timeline, f"timelineResolution{axis}")) for axis in ("Width", "Height"))
    width, height = now.size
    if width and min(abs(down - across * height / width), abs(across - down * width / height)) > 1:
        raise BadInput(f"{name} has not the shape of the timeline that its matte lies on: draw it in MaskEdit.")


def _is_plain(item: Any) -> bool:
    shown = properties(item)
    return all(shown.get(name, plain) == plain for name, plain in _PLAIN.items())
