# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes in and out as files: read as what they are, written whole or not at all."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.errors import InputError, OutputError
from maskedit.mattes.roto import Shape
from maskedit.media import ClipReader, probe, write_picture
from maskedit.request import FrameRange, MediaFacts
from plugin_client.core.requests import MatteFile
from plugin_client.panel.mattes.exporting import Place, export_mattes
from plugin_client.panel.mattes.importing import (
    is_drawing,
    matte_at,
    read_drawing,
    sequence_of,
    with_drawing,
)
from plugin_client.panel.mattes.scene import Scene, reader_of
from plugin_client.panel.mattes.stopping import Stopped
from plugin_client.panel.model.document import Document

WIDTH, HEIGHT, COUNT = 64, 48, 6
FACTS = MediaFacts(frame_count=COUNT, width=WIDTH, height=HEIGHT, rate=Fraction(24), pixel_format="yuv420p")
WHOLE = FrameRange(first=0, last=COUNT - 1)


def always(_: float) -> bool:
    return True


def mattes_at(file: MatteFile) -> list[np.ndarray]:
    return [matte for _, matte in reader_of(file, FACTS, workspace=Path()).frames(0, COUNT - 1)]


def bars(channels: int = 3) -> np.ndarray:
    """(COUNT, H, W, channels): a white bar that moves to the right."""
    frames = np.zeros((COUNT, HEIGHT, WIDTH, channels), np.uint8)
    for number, frame in enumerate(frames):
        frame[:, 8 + 4 * number : 28 + 4 * number] = 255
    return frames


# Import


def test_a_luma_matte_is_read_by_its_luma(write_clip: Callable[..., Path]) -> None:
    found = matte_at(write_clip("luma.mkv", bars()), FACTS)
    assert (found.channel, found.purpose) == ("luma", "edit")
    assert mattes_at(found)[2][10, 20] == 1


def test_an_alpha_that_varies_is_the_matte(write_clip: Callable[..., Path]) -> None:
    frames = np.full((COUNT, HEIGHT, WIDTH, 4), 200, np.uint8)
    frames[..., 3] = bars()[..., 0]
    found = matte_at(write_clip("alpha.mkv", frames, pixel_format="bgra"), FACTS)
    assert found.channel == "alpha"
    assert [matte[10, 2] for matte in mattes_at(found)] == [0] * COUNT


def test_an_alpha_that_is_full_everywhere_says_nothing(write_clip: Callable[..., Path]) -> None:
    frames = bars(4)
    frames[..., 3] = 255
    assert matte_at(write_clip("full.mkv", frames, pixel_format="bgra"), FACTS).channel == "luma"


def test_an_alpha_that_is_empty_at_first_is_still_the_matte(write_clip: Callable[..., Path]) -> None:
    frames = np.full((COUNT, HEIGHT, WIDTH, 4), 200, np.uint8)
    frames[..., 3] = bars()[..., 0]
    frames[0, ..., 3] = 0
    assert matte_at(write_clip("late.mkv", frames, pixel_format="bgra"), FACTS).channel == "alpha"


def test_one_picture_of_a_sequence_stands_for_all_of_it(tmp_path: Path) -> None:
    for number, frame in enumerate(bars()):
        write_picture(tmp_path / f"matte_{1001 + number}.png", frame.astype(np.float32) / 255)
    found = matte_at(tmp_path / "matte_1003.png", FACTS)
    assert Path(found.path).name == "matte_%04d.png"
    assert mattes_at(found)[0][10, 10] == 1


def test_a_picture_alone_is_no_sequence(tmp_path: Path) -> None:
    (tmp_path / "still_0001.png").touch()
    (tmp_path / "still_0001.txt").touch()
    (tmp_path / "other_0002.png").touch()
    assert sequence_of(tmp_path / "still_0001.png") == str(tmp_path / "still_0001.png")
    assert sequence_of(tmp_path / "matte.mov") == str(tmp_path / "matte.mov")


def test_a_matte_of_another_length_or_shape_is_refused_with_advice(write_clip: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="has 3 frames but the clip has 6"):
        matte_at(write_clip("short.mkv", bars()[:3]), FACTS)
    with pytest.raises(InputError, match="not the shape of the clip"):
        matte_at(write_clip("square.mkv", bars()[:, :, :48]), FACTS)


ROTO = {
    "format": "maskedit-roto",
    "version": 1,
    "size": [WIDTH // 2, HEIGHT // 2],
    "first_number": 10,
    "shapes": [
        {"name": "Head", "keys": [{"frame": 12, "points": [{"co": [4, 4]}, {"co": [20, 4]}, {"co": [20, 20]}]}]},
    ],
    "strokes": [{"width": 3, "under": "Head", "keys": [{"frame": 10, "points": [[5, 5, 1], [9, 9, 1]]}]}],
}


def test_a_drawing_made_on_a_proxy_comes_in_the_clip_s_size(tmp_path: Path) -> None:
    (tmp_path / "roto.json").write_text(json.dumps(ROTO))
    roto = read_drawing(tmp_path / "roto.json", FACTS)
    (shape,), (stroke,) = roto.shapes, roto.strokes
    assert [key.frame for key in shape.keys] == [2]
    assert [point.co for point in shape.keys[0].points] == [(8, 8), (40, 8), (40, 40)]
    assert stroke.width == 6


def test_imported_names_give_way_to_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "roto.json").write_text(json.dumps(ROTO))
    own = Shape.model_validate({"name": "Head", "keys": [{"frame": 0, "points": [{"co": [0, 0]}, {"co": [9, 9]}]}]})
    document = with_drawing(Document(clip="plate", shapes=(own,)), read_drawing(tmp_path / "roto.json", FACTS))
    assert document.shapes[0] == own
    assert document.shapes[1].name not in ("", "Head")
    assert document.strokes[0].under == document.shapes[1].name


def test_a_fusion_setting_comes_as_shapes(tmp_path: Path) -> None:
    points = ", ".join(
        f"{{ X = {x}, Y = {y} }}" for x, y in ((-0.25, 0.25), (0.25, 0.25), (0.25, -0.25), (-0.25, -0.25))
    )
    (tmp_path / "mask.setting").write_text(
        "{ Tools = ordered() { Polygon1 = PolylineMask { Inputs = { Polyline = Input { Value = Polyline { "
        f"Closed = true, Points = {{ {points} }} }} }} }} }} }} }}"
    )
    assert is_drawing(tmp_path / "mask.setting")
    document = with_drawing(Document(clip="plate"), read_drawing(tmp_path / "mask.setting", FACTS))
    ((_, matte),) = Scene(document, FACTS, FACTS, Path()).mattes(0, 0)
    assert matte.sum() == pytest.approx(WIDTH * HEIGHT / 4)
    assert matte[HEIGHT // 2, WIDTH // 2] == 1


def test_a_drawing_for_another_shape_of_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "roto.json").write_text(json.dumps(ROTO | {"size": [100, 100]}))
    with pytest.raises(InputError, match="was drawn on 100x100 pixels"):
        read_drawing(tmp_path / "roto.json", FACTS)


# Export


@pytest.fixture
def clip(write_clip: Callable[..., Path]) -> Path:
    return write_clip("clip.mkv", np.full((COUNT, HEIGHT, WIDTH, 3), 90, np.uint8))


def soft_mattes(first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
    """Every value from 0 to 1, another one on each frame."""
    ramp = np.linspace(0, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    for number in range(first, last + 1):
        yield number, np.roll(ramp, 7 * number, axis=1)


def noisy_mattes(first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
    rng = np.random.default_rng(5)
    for number in range(first, last + 1):
        yield number, rng.random((HEIGHT, WIDTH), np.float32)


@pytest.mark.parametrize("kind", ["video", "sequence"])
def test_what_is_exported_comes_back_the_same(tmp_path: Path, clip: Path, kind: str) -> None:
    place = Place(kind, tmp_path / ("matte.mkv" if kind == "video" else "matte"))  # type: ignore[arg-type]
    path = export_mattes(place, soft_mattes, clip=str(clip), facts=FACTS, frames=WHOLE, going=always)
    picture = path if kind == "video" else path / "matte.0000.png"
    found = matte_at(picture, FACTS)
    for read, (_, written) in zip(mattes_at(found), soft_mattes(0, COUNT - 1), strict=True):
        settled = np.where(written < 7.5 / 255, 0, np.where(written > 1 - 7.5 / 255, 1, written))
        np.testing.assert_allclose(read, settled, atol=1 / 65535)


def test_a_range_keeps_the_clip_s_numbers(tmp_path: Path, clip: Path) -> None:
    frames = FrameRange(first=2, last=4)
    export_mattes(
        Place("sequence", tmp_path / "part"), soft_mattes, clip=str(clip), facts=FACTS, frames=frames, going=always
    )
    assert sorted(each.name for each in (tmp_path / "part").iterdir()) == [
        f"part.000{number}.png" for number in (2, 3, 4)
    ]


def test_a_video_says_how_fast_it_runs(tmp_path: Path, clip: Path) -> None:
    path = export_mattes(
        Place("video", tmp_path / "m.mkv"), soft_mattes, clip=str(clip), facts=FACTS, frames=WHOLE, going=always
    )
    found = probe(path)
    assert (found.rate, found.frame_count, found.pixel_format) == (Fraction(24), COUNT, "gray16le")
    with ClipReader(path) as clip_again:
        assert next(clip_again.frames(0, 0)).planes[0].max() == 65535


@pytest.mark.parametrize("kind", ["video", "sequence"])
def test_what_is_stopped_leaves_nothing(tmp_path: Path, clip: Path, kind: str) -> None:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(Stopped):
        export_mattes(
            Place(kind, tmp_path / "matte.mkv"),  # type: ignore[arg-type]
            soft_mattes,
            clip=str(clip),
            facts=FACTS,
            frames=WHOLE,
            going=lambda done: done < 0.4,
        )
    assert set(tmp_path.rglob("*")) == before


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Writing more than `size` bytes into any file fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", ["video", "sequence"])
def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(tmp_path: Path, clip: Path, kind: str) -> None:
    before = set(tmp_path.rglob("*"))
    place = Place(kind, tmp_path / "matte.mkv")  # type: ignore[arg-type]
    with no_file_beyond(3000), pytest.raises(OutputError, match="cannot be written") as refused:
        export_mattes(place, noisy_mattes, clip=str(clip), facts=FACTS, frames=WHOLE, going=always)
    assert "\n" not in str(refused.value)
    assert set(tmp_path.rglob("*")) == before


def test_pictures_that_are_there_are_not_mixed_with_new_ones(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "other.0000.png").touch()
    with pytest.raises(OutputError, match="is not empty: choose a new one"):
        export_mattes(
            Place("sequence", tmp_path / "old"), soft_mattes, clip=str(clip), facts=FACTS, frames=WHOLE, going=always
        )
