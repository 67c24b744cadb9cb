# SPDX-License-Identifier: GPL-3.0-or-later
"""Single frames in any order are the reader's frames, sample for sample."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.errors import InputError
from maskedit.media import ClipReader, PlateFrame, write_picture
from maskedit.media.scrubbing import Scrubber

WriteClip = Callable[..., Path]
COUNT = 37

_H264 = {"g": "12", "bf": "3", "b_strategy": "0"}
CLIPS = {
    "b-frames": ("shot.mp4", "libx264", "yuv420p", _H264),
    "open groups": ("shot.mp4", "libx264", "yuv420p", _H264 | {"x264-params": "open-gop=1:keyint=12:bframes=3"}),
    "ten bits": ("shot.mkv", "libx264", "yuv420p10le", _H264),
    "all intra": ("shot.mov", "prores_ks", "yuv422p10le", {}),
    "one group": ("shot.mp4", "libx264", "yuv420p", {"g": "250", "bf": "2"}),
    "no times": ("shot.avi", "libx264", "yuv420p", {"g": "12", "bf": "0"}),
    "mpeg-2": ("shot.mpg", "mpeg2video", "yuv420p", {"g": "12", "bf": "2"}),
    "hevc": ("shot.mp4", "libx265", "yuv420p", {"x265-params": "keyint=12:log-level=none"}),
}


def moving(count: int = COUNT, *, height: int = 96, width: int = 160) -> np.ndarray:
    """(count, H, W, 3) uint8: texture under motion, so that no two frames are alike."""
    ground = np.random.default_rng(3).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    ground = ground.repeat(8, axis=0).repeat(8, axis=1)
    return np.stack([np.roll(ground, (number, 3 * number), (0, 1)) for number in range(count)])


def equal(one: PlateFrame, other: PlateFrame) -> bool:
    same = all(np.array_equal(a, b) for a, b in zip(one.planes, other.planes, strict=True))
    return same and (one.number, one.pts, one.colour) == (other.number, other.pts, other.colour)


@pytest.mark.parametrize("kind", CLIPS)
def test_any_frame_in_any_order_is_the_readers(kind: str, write_clip: WriteClip) -> None:
    name, codec, pixel_format, options = CLIPS[kind]
    clip = write_clip(name, moving(), codec=codec, pixel_format=pixel_format, options=options)
    with ClipReader(clip) as reader:
        expected = list(reader.frames(0, reader.facts.frame_count - 1))
    order = random.Random(1).sample(range(len(expected)), len(expected))
    with Scrubber(clip) as scrubber:
        assert len(expected) == COUNT
        for number in (*order, *range(4), 7, 6, 5):
            assert equal(scrubber.plate(number), expected[number]), number


def test_frames_at_uneven_times_are_found_by_number(write_clip: WriteClip) -> None:
    pts = np.cumsum([0, *np.random.default_rng(5).integers(1, 4, COUNT - 1)]).tolist()
    clip = write_clip("uneven.mkv", moving(), codec="libx264", pixel_format="yuv420p", pts=pts, options=_H264)
    with Scrubber(clip) as scrubber, ClipReader(clip) as reader:
        assert scrubber.facts.variable_rate
        for number in (20, 3, 36, 0):
            assert equal(scrubber.plate(number), next(reader.frames(number, number)))


def test_decoding_starts_at_a_frame_that_refers_to_none_before_it(write_clip: WriteClip) -> None:
    options = _H264 | {"sc_threshold": "0"}
    clip = write_clip("shot.mp4", moving(), codec="libx264", pixel_format="yuv420p", options=options)
    with Scrubber(clip) as scrubber:
        assert [scrubber.entry_before(number) for number in (0, 11, 12, 23, 36)] == [0, 0, 12, 12, 36]


def test_a_sequence_needs_no_entries(tmp_path: Path) -> None:
    frames = moving(4).astype(np.float32) / 255
    for number, frame in enumerate(frames):
        write_picture(tmp_path / f"shot.{number + 100:04}.png", frame)
    with Scrubber(tmp_path / "shot.%04d.png") as scrubber:
        assert scrubber.facts.frame_count == 4
        assert scrubber.entry_before(3) == 3
        for number in (2, 0, 3, 1):
            assert np.allclose(scrubber.plate(number).rgb(), frames[number], atol=1e-3)


def test_beyond_the_clip_and_without_a_file_it_says_so(write_clip: WriteClip, tmp_path: Path) -> None:
    clip = write_clip("shot.mkv", moving(5), rate=Fraction(24))
    with Scrubber(clip) as scrubber:
        for number in (-1, 5):
            with pytest.raises(InputError, match="frames 0-4"):
                scrubber.plate(number)
    with pytest.raises(InputError, match="There is no file"):
        Scrubber(tmp_path / "none.mov")
