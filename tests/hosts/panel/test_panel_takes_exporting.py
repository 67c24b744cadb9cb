# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes are exported into every format and read back; nothing half is left where that fails."""

from __future__ import annotations

import resource
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.compositing import composite, matte_frame
from maskedit.errors import InputError, OutputError
from maskedit.media import ClipReader, ClipWriter
from maskedit.media.frame_cache_reader import FrameCache
from maskedit.media.sequences import sequence_in
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, FrameRange, MediaFacts
from plugin_client.panel.takes.exporting import Export, export, why_not

COUNT, FIRST = 4, 2
COLOUR = np.array([0.9, 0.3, 0.2], np.float32)


@pytest.fixture
def weight() -> np.ndarray:
    """A soft paste matte."""
    ramp = np.clip((24 - np.abs(np.arange(64) - 32)) / 8, 0, 1).astype(np.float32)
    return np.minimum.outer(ramp, ramp)


@pytest.fixture
def take(write_clip: Callable[..., Path], tmp_path: Path, weight: np.ndarray) -> Export:
    """What a server delivers of frames 2 to 5: COLOUR over noise by the matte, and that matte."""
    frames = np.random.default_rng(1).integers(30, 220, (8, 8, 8, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    clip = write_clip("plate.mkv", frames, rate=Fraction(25))
    result, matte = tmp_path / "result.mkv", tmp_path / "result-matte.mkv"
    kinds = {result: DeliverableKind.FULL, matte: DeliverableKind.MATTE}
    with ClipReader(clip) as source:
        written = FrameRange(first=FIRST, last=FIRST + COUNT - 1)
        writers = {
            path: ClipWriter(
                path, facts=source.facts, deliverable=Deliverable(kind=kind), source=str(clip), frames=written
            )
            for path, kind in kinds.items()
        }
        with writers[result] as shown, writers[matte] as cut:
            for plate in source.frames(written.first, written.last):
                painted = np.broadcast_to(COLOUR, (64, 64, 3))
                shown.write(composite(plate, painted, x=0, y=0, paste_matte=weight))
                cut.write(matte_frame(plate, weight))
    return Export(
        result=result,
        matte=matte,
        clip=str(clip),
        first=FIRST,
        format=DeliverableFormat.MKV,
        alpha=False,
        out=tmp_path / "out.mkv",
    )


def changed(take: Export, **fields: object) -> Export:
    return Export(**{**vars(take), **fields})


def frames(path: Path) -> tuple[MediaFacts, list]:
    with ClipReader(sequence_in(path) if path.is_dir() else path) as clip:
        return clip.facts, list(clip.frames(0, clip.facts.frame_count - 1))


@pytest.mark.parametrize(
    ("format", "name", "error"),
    [
        (DeliverableFormat.MKV, "out.mkv", 0.0),
        (DeliverableFormat.MOV, "out.mov", 0.03),
        (DeliverableFormat.MP4, "out.mp4", 0.2),
        (DeliverableFormat.PNG, "out", 0.0001),
        (DeliverableFormat.EXR, "out", 0.001),
    ],
)
def test_full_frames_come_back_in_every_format(take: Export, format: DeliverableFormat, name: str, error: float):
    seen: list[tuple[int, int]] = []
    wanted = changed(take, format=format, out=take.out.with_name(name))
    assert export(wanted, go_on=lambda done, total: seen.append((done, total)) or True) == wanted.out
    assert seen == [(done, COUNT) for done in range(1, COUNT + 1)]
    facts, back = frames(wanted.out)
    assert (facts.frame_count, facts.width, facts.height) == (COUNT, 64, 64)
    if not format.is_sequence:
        assert facts.rate == 25
    _, expected = frames(take.result)
    for one, other in zip(back, expected, strict=True):
        assert np.abs(one.rgb() - other.rgb()).mean() <= error


@pytest.mark.parametrize(
    "format", [DeliverableFormat.MKV, DeliverableFormat.MOV, DeliverableFormat.PNG, DeliverableFormat.CACHE]
)
def test_the_region_lies_over_the_plate_as_the_take_shows_it(
    take: Export, format: DeliverableFormat, weight: np.ndarray
):
    name = "cut" if format.is_sequence else f"cut{format.suffix}"
    wanted = changed(take, format=format, alpha=True, out=take.out.with_name(name))
    export(wanted)
    _, patches = frames(wanted.out)
    _, expected = frames(take.result)
    with ClipReader(take.clip) as clip:
        plates = list(clip.frames(FIRST, FIRST + COUNT - 1))
    # ProRes keeps 10 bits of colour and is lossy.
    close = 0.03 if format is DeliverableFormat.MOV else 0.006
    for patch, plate, shown in zip(patches, plates, expected, strict=True):
        alpha = patch.alpha()
        assert alpha is not None and np.abs(alpha - weight).max() < 0.002
        over = plate.rgb() + alpha[..., None] * (patch.rgb() - plate.rgb())
        assert np.abs(over - shown.rgb()).mean() < close
        # Straight: the colour is the edit's own right up to where the matte fades, not mixed with the plate's.
        edge = (weight > 0.3) & (weight < 1)
        assert np.abs(patch.rgb()[edge] - COLOUR).mean() < 3 * close


def test_a_sequence_is_numbered_as_the_clip_is(take: Export):
    wanted = changed(take, format=DeliverableFormat.PNG, out=take.out.with_name("numbered"))
    export(wanted)
    numbers = sorted(int(path.stem.rpartition(".")[2]) for path in wanted.out.iterdir())
    assert numbers == [FIRST + n for n in range(COUNT)]


def test_a_frame_cache_says_which_frame_of_the_clip_comes_first(take: Export):
    wanted = changed(take, format=DeliverableFormat.CACHE, alpha=True, out=take.out.with_name("cut.mefc"))
    export(wanted)
    with FrameCache(wanted.out) as cache:
        assert (cache.header.first_frame, cache.header.slot_count, cache.header.rate) == (FIRST, COUNT, 25)


def test_giving_up_leaves_nothing(take: Export):
    before = set(take.out.parent.iterdir())
    assert export(take, go_on=lambda done, total: done < 2) is None
    assert set(take.out.parent.iterdir()) == before


def test_a_full_disk_is_a_sentence_and_leaves_no_half_file(take: Export):
    before = set(take.out.parent.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(OutputError, match=r"^out.mkv cannot be written .*: make room or choose another place\.$"):
            export(take)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert set(take.out.parent.iterdir()) == before


def test_what_cannot_be_is_refused_with_a_reason(take: Export):
    facts, _ = frames(take.result)
    assert "alpha" in why_not(facts, DeliverableFormat.MP4, alpha=True)
    assert why_not(facts, DeliverableFormat.MOV, alpha=True) == ""
    assert "region with alpha alone" in why_not(facts, DeliverableFormat.CACHE, alpha=False)
    with pytest.raises(OutputError, match="choose another name"):
        export(changed(take, out=Path(take.clip)))
    with pytest.raises(OutputError, match="choose another name"):
        export(changed(take, out=take.result))
    with pytest.raises(InputError, match="no matte"):
        export(changed(take, matte=None, alpha=True))
    assert not take.out.exists()
