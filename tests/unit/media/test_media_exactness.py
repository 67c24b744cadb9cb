# SPDX-License-Identifier: GPL-3.0-or-later
"""The promise of the FFV1 deliverable: samples that the paste matte leaves at 0 come back bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
import pytest

from maskedit.compositing import composite
from maskedit.errors import InputError, OutputError
from maskedit.media import ClipReader, ClipWriter, probe
from maskedit.request import AlphaMode, Deliverable, FrameRange, MediaFacts, Origin


@dataclass(frozen=True)
class Kind:
    """How a source stores its samples: planar format of the samples, file, codec, the codec's own format."""

    planar: str
    name: str = "source.mkv"
    codec: str = "ffv1"
    packed: str | None = None
    size: tuple[int, int] = (48, 32)


KINDS = [
    Kind("yuv420p"),
    Kind("yuv420p", size=(33, 17)),
    Kind("yuv420p", name="source.nut", codec="rawvideo", packed="nv12", size=(33, 17)),
    Kind("yuv422p", name="source.mov", codec="rawvideo", packed="uyvy422"),
    Kind("yuv422p10le", size=(35, 19)),
    Kind("yuv422p10le", name="source.mov", codec="v210", size=(48, 16)),
    Kind("yuv420p10le"),
    Kind("yuv444p", size=(33, 17)),
    Kind("yuv444p12le"),
    Kind("yuv411p"),
    Kind("yuv410p", size=(35, 19)),
    Kind("yuv440p", size=(33, 17)),
    Kind("yuva444p10le"),
    Kind("yuva420p", size=(33, 17)),
    Kind("gbrp", packed="bgr0", size=(33, 17)),
    Kind("gbrp", name="source.mov", codec="png", packed="rgb24", size=(33, 17)),
    Kind("gbrap", name="source.mov", codec="png", packed="rgba"),
    Kind("gbrp16le", name="source.mov", codec="png", packed="rgb48be"),
    Kind("gbrp", name="source.avi", codec="rawvideo", packed="bgr24", size=(33, 17)),
    Kind("gbrp10le"),
    Kind("gbrap12le"),
    Kind("gray"),
    Kind("gray16le", size=(33, 17)),
]


def edit_through(source: str, result: str, matte: np.ndarray, generated: np.ndarray, *, x: int, y: int) -> MediaFacts:
    facts = probe(source)
    frames = FrameRange(first=0, last=facts.frame_count - 1)
    with (
        ClipReader(source) as reader,
        ClipWriter(result, facts=facts, deliverable=Deliverable(), source=source, frames=frames) as writer,
    ):
        for plate in reader.frames(frames.first, frames.last):
            writer.write(composite(plate, generated, x=x, y=y, paste_matte=matte))
    return facts


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.planar}-{kind.packed or kind.codec}-{kind.size[0]}")
def test_untouched_samples_come_back_bit_for_bit(make_clip, decode_planes, tmp_path, kind):
    clip = make_clip(kind.name, kind.planar, codec=kind.codec, packed=kind.packed, size=kind.size)
    width, height = kind.size
    matte = np.zeros((height, width), np.float32)
    matte[3:15, 9:25] = 1
    matte[3, 9:25] = 0.25
    generated = np.random.default_rng(1).random((12, 20, 3), np.float32)
    result = str(tmp_path / "result.mkv")

    facts = edit_through(clip.path, result, matte, generated, x=7, y=3)

    assert (facts.frame_count, facts.width, facts.height) == (4, width, height)
    assert probe(result).frame_count == 4
    for before, after in zip(clip.planes, decode_planes(result, kind.planar), strict=True):
        alpha = len(before) in (2, 4)
        for plane, (old, new) in enumerate(zip(before, after, strict=True)):
            reach = np.zeros(old.shape, bool)
            if not (alpha and plane == len(before) - 1):
                rows, columns = -(-height // old.shape[0]), -(-width // old.shape[1])
                for row, column in np.argwhere(matte > 0):
                    reach[row // rows, column // columns] = True
                assert (old != new)[reach].any(), "the generated picture has to arrive"
            np.testing.assert_array_equal(old[~reach], new[~reach])


@pytest.mark.parametrize(
    ("codec", "pixel_format", "name"),
    [("libx264", "yuv420p", "a.mp4"), ("mpeg4", "yuv420p", "a.mp4"), ("prores_ks", "yuva444p10le", "a.mov"),
     ("mjpeg", "yuvj420p", "a.mov"), ("libx264", "yuv420p10le", "a.mp4"), ("prores_ks", "yuv422p10le", "a.mov")],
)  # fmt: skip
def test_lossy_sources_keep_what_their_decoder_gives(make_clip, decode_planes, tmp_path, codec, pixel_format, name):
    clip = make_clip(name, pixel_format, codec=codec)
    facts = probe(clip.path)
    result = str(tmp_path / "result.mkv")
    edit_through(clip.path, result, np.zeros((32, 48), np.float32), np.zeros((4, 4, 3), np.float32), x=0, y=0)
    planar = facts.pixel_format.replace("yuvj", "yuv")
    for before, after in zip(decode_planes(clip.path, planar), decode_planes(result, planar), strict=True):
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)
    assert facts.alpha_mode is (AlphaMode.STRAIGHT if "yuva" in pixel_format else AlphaMode.NONE)


def test_tags_are_carried_and_guesses_are_not_written(make_clip, tmp_path):
    nothing = np.zeros((32, 48), np.float32)
    told = {"color_range": 2, "color_primaries": 9, "color_trc": 16, "colorspace": 9}
    for name, context in (("told.mkv", told), ("silent.mkv", {})):
        clip = make_clip(name, "yuv420p10le", context=context)
        result = str(tmp_path / f"result-{name}")
        facts = edit_through(clip.path, result, nothing, np.zeros((4, 4, 3), np.float32), x=0, y=0)
        tags = (facts.range, facts.primaries, facts.transfer, facts.matrix)
        assert {tag.origin for tag in tags} == {Origin.TAGGED if context else Origin.GUESSED}
        assert [tag.name for tag in tags] == (
            ["pc", "bt2020", "smpte2084", "bt2020nc"] if context else ["tv", "smpte170m", "bt709", "smpte170m"]
        )
        with av.open(result) as container:
            video = container.streams.video[0].codec_context
            written = (video.color_range, video.color_primaries, video.color_trc, video.colorspace)
        assert written == ((2, 9, 16, 9) if context else (0, 2, 2, 2))


def test_full_range_is_told_by_the_old_pixel_formats(make_clip):
    facts = probe(make_clip("j.mov", "yuvj420p", codec="mjpeg").path)
    assert (facts.pixel_format, facts.range.name, facts.range.origin) == ("yuvj420p", "pc", Origin.TAGGED)


def test_a_format_that_ffv1_cannot_keep_is_refused(make_clip, tmp_path):
    source = make_clip("a.mkv").path
    facts = MediaFacts(frame_count=1, width=8, height=8, rate=probe(source).rate, pixel_format="gbrapf32le")
    frames = FrameRange(first=0, last=0)
    with pytest.raises(OutputError, match="EXR or PNG"):
        ClipWriter(tmp_path / "r.mkv", facts=facts, deliverable=Deliverable(), source=source, frames=frames)


def test_an_unknown_pixel_format_is_refused_in_a_sentence(make_clip):
    with pytest.raises(InputError, match=r"monob.* is not supported"):
        probe(make_clip("a.nut", "gray", codec="rawvideo", packed="monob").path)
