# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's patch, a movie or a sequence with alpha, as a frame cache."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from maskedit.errors import InputError, OutputError
from maskedit.media import ClipReader, convert
from maskedit.media.convert import straight
from maskedit.media.frame_cache import CacheHeader, is_frame_cache
from maskedit.media.frame_cache_writer import LiveCache, PackedCache, Region
from maskedit.media.sequences import first_number_of, is_sequence, sequence_in
from maskedit.request import AlphaMode, FrameRange

_RECORD = ".maskedit.json"


def make_cache(take: str | Path, out: Path, *, first_frame: int | None = None, live: bool = False) -> int:
    """Write what `take` shows to `out`, and return the number of its frames.

    `take`: whatever `ClipReader` reads, or the folder of a sequence; one without alpha covers the whole plate.
    `first_frame`: the number of the clip's frame that the take's first one shows; None = the first picture's, or what
    the record beside a movie says, or 0.
    `live`: the file appears at once, and its frames one by one. Raises InputError or OutputError, one sentence.
    """
    source = sequence_in(Path(take)) if Path(take).is_dir() else str(take)
    if not is_frame_cache(out):
        raise InputError(f"{out.name} is no name of a frame cache: end it in .mefc.")
    if Path(source).resolve() == out.resolve():
        raise InputError(f"{out.name} is the take itself: choose another name.")
    with ClipReader(source) as clip:
        facts = clip.facts
        header = CacheHeader.of(facts, FrameRange(first=0, last=facts.frame_count - 1))
        first = _first_frame(Path(source)) if first_frame is None else first_frame
        header = replace(header, first_frame=first)
        try:
            (_write_live if live else _write)(out, header, _regions(clip))
        except OSError as error:
            reason = error.strerror or error
            has_folder = out.absolute().parent.is_dir()
            advice = "make room or choose another place" if has_folder else f"make the folder {out.parent} first"
            raise OutputError(f"{out.name} cannot be written ({reason}): {advice}.") from error
    return header.slot_count


def _write(out: Path, header: CacheHeader, regions: Iterator[Region]) -> None:
    cache = PackedCache(out, header=header)
    try:
        for region in regions:
            cache.add(region)
        cache.finish()
        cache.publish()
    finally:
        cache.clean_up()


def _write_live(out: Path, header: CacheHeader, regions: Iterator[Region]) -> None:
    with LiveCache(out, header=header) as cache:
        for slot, region in enumerate(regions):
            cache.publish(slot, region)


def _regions(clip: ClipReader) -> Iterator[Region]:
    facts = clip.facts
    multiplied = facts.alpha_mode is AlphaMode.PREMULTIPLIED
    for plate in clip.frames(0, facts.frame_count - 1):
        shown = convert(plate, "gbrapf32le", matrix=facts.matrix.name)
        yield Region.of(straight(shown) if multiplied else shown)


def _first_frame(source: Path) -> int:
    """The number of the clip's frame that the take begins with: its first picture's own, or by the record beside it."""
    if is_sequence(source):
        return first_number_of(str(source))
    records = [
        path
        for path in source.absolute().parent.glob(f"*{_RECORD}")
        if (name := path.name.removesuffix(_RECORD)) == source.stem or source.stem.startswith(f"{name}-")
    ]
    for path in sorted(records, key=lambda path: -len(path.name)):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return int(record["frames"][0]["first"]) + int(record["request"]["target"].get("first_number", 0))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError(f"{path.name} says nothing of the take's frames: give --first-frame.") from error
    return 0
