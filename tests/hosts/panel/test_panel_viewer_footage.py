# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage gives the clip's own frames by number, newest wish first, in bounded memory, and says what it cannot show."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from maskedit.errors import InputError
from maskedit.media import ClipReader, write_picture
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.viewer import decoding, footage
from plugin_client.panel.viewer.decoding import Decoding, Told
from plugin_client.panel.viewer.footage import FootageLibrary
from plugin_client.panel.viewer.picture_cache import PictureCache
from plugin_client.panel.viewer.showing import Picture, Showing

COUNT, HEIGHT, WIDTH = 30, 48, 80
PICTURE_BYTES = 3 * HEIGHT * WIDTH
_H264 = {"codec": "libx264", "pixel_format": "yuv420p", "options": {"g": "10", "bf": "3"}}


def moving(count: int = COUNT, *, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    ground = np.random.default_rng(2).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    ground = ground.repeat(8, axis=0).repeat(8, axis=1)
    return np.stack([np.roll(ground, (number, 3 * number), (0, 1)) for number in range(count)])


@pytest.fixture
def clip(write_clip: Callable[..., Path]) -> Path:
    return write_clip("shot.mp4", moving(), **_H264)


@pytest.fixture
def library(preferences: Preferences) -> FootageLibrary:
    return FootageLibrary(preferences)


def expected(path: Path) -> list[Picture]:
    with ClipReader(path) as reader:
        showing = Showing(reader.facts)
        return [showing.picture(plate) for plate in reader.frames(0, reader.facts.frame_count - 1)]


def waited(qtbot: QtBot, look: Callable[[], Any]) -> Any:
    qtbot.waitUntil(lambda: look() is not None, timeout=10_000)
    return look()


@pytest.mark.parametrize("kind", ["b-frames", "ten bits", "sequence"])
def test_every_frame_by_its_number(
    kind: str, library: FootageLibrary, write_clip: Callable[..., Path], tmp_path: Path, qtbot: QtBot
) -> None:
    if kind == "sequence":
        for number, frame in enumerate(moving()):
            write_picture(tmp_path / f"shot.{number:04}.png", frame.astype(np.float32) / 255)
        path = tmp_path / "shot.%04d.png"
    else:
        pixel_format = "yuv420p" if kind == "b-frames" else "yuv422p10le"
        path = write_clip("shot.mkv", moving(), **_H264 | {"pixel_format": pixel_format})
    pictures, clip = expected(path), library.open(str(path))
    for number in random.Random(4).sample(range(COUNT), COUNT):
        assert clip.picture(number) is None
        assert np.array_equal(waited(qtbot, partial(clip.picture, number)), pictures[number]), number
    assert clip.facts.frame_count == COUNT
    assert not clip.picture(3).flags.writeable


@pytest.mark.parametrize("direction", [1, -1, 0])
def test_looking_ahead_gives_the_same_pictures(
    direction: int, library: FootageLibrary, clip: Path, qtbot: QtBot
) -> None:
    shot, pictures = library.open(str(clip)), expected(clip)
    shot.prefetch(17, direction)
    qtbot.waitUntil(lambda: len(shot.held_frames()) == COUNT, timeout=10_000)
    for number in range(COUNT):
        assert np.array_equal(shot.picture(number), pictures[number])


def test_looking_ahead_keeps_within_the_cache_on_the_side_of_playing(
    preferences: Preferences, clip: Path, qtbot: QtBot
) -> None:
    library = FootageLibrary(preferences)
    library.cache.limit = 10 * PICTURE_BYTES
    shot = library.open(str(clip))
    largest = []
    shot.ready.connect(lambda _: largest.append(library.cache.used))
    shot.prefetch(15, 1)
    qtbot.waitUntil(lambda: set(range(15, 22)) <= shot.held_frames(), timeout=10_000)
    shot.prefetch(15, -1)
    qtbot.waitUntil(lambda: set(range(9, 16)) <= shot.held_frames(), timeout=10_000)
    assert max(largest) <= 10 * PICTURE_BYTES


def test_the_newest_wish_comes_first_and_stale_ones_are_dropped(clip: Path) -> None:
    cache, served, begun, go_on = PictureCache(1 << 30), [], threading.Event(), threading.Event()
    done = threading.Event()

    def ready(frame: int) -> None:
        served.append(frame)
        begun.set()
        go_on.wait(10)
        if frame == 5:
            done.set()

    def ignore(*_: object) -> None: ...

    told = Told(opened=ignore, ready=ready, lost=ignore, failed=ignore)
    shot = Decoding(str(clip), colour="", cache=cache, owner=1, told=told)
    shot.want(0)
    assert begun.wait(10)
    # The thread is held while a hand scrubs on.
    for frame in (20, 12, 3, 5, 28, 9, 14, 28):
        shot.want(frame)
    go_on.set()
    assert done.wait(10)
    shot.end()
    shot.join()
    assert served == [0, 28, 14, 9, 5]


def test_the_thread_ends_when_nobody_asks_and_starts_again(
    library: FootageLibrary, clip: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_IDLE_S", 0.02)

    shot = library.open(str(clip))
    waited(qtbot, lambda: shot.picture(4))
    qtbot.waitUntil(lambda: not shot._decoding._thread.is_alive(), timeout=10_000)
    assert waited(qtbot, lambda: shot.picture(11)) is not None


def test_a_damaged_frame_is_told_and_the_others_are_shown(
    library: FootageLibrary, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    path = write_clip("shot.mov", moving(12), codec="mjpeg", pixel_format="yuvj420p")
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content, (at, size) = bytearray(path.read_bytes()), places[5]
    content[at : at + size] = bytes(size)
    path.write_bytes(content)
    shot, sentences = library.open(str(path)), []
    shot.failed.connect(sentences.append)
    shot.prefetch(0, 1)
    qtbot.waitUntil(lambda: len(shot.held_frames()) == 11 and bool(sentences), timeout=10_000)
    assert shot.held_frames() == set(range(12)) - {5}
    assert sentences == [shot.fault(5)]
    assert "Frame 5 of shot.mov is damaged" in shot.fault(5)
    assert shot.picture(5) is None
    assert not shot.fault(6)


def test_a_missing_clip_fails_in_a_sentence(library: FootageLibrary, tmp_path: Path, qtbot: QtBot) -> None:
    shot = library.open(str(tmp_path / "gone.mov"))
    qtbot.waitUntil(lambda: bool(shot.error), timeout=10_000)
    assert shot.error.startswith("There is no file gone.mov")
    assert shot.picture(0) is None
    assert shot.fault(0) == shot.error


def test_wide_footage_is_shown_reduced_and_whole_where_it_is_asked_for(
    library: FootageLibrary, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    path = write_clip("wide.mkv", moving(3, height=16, width=2048), codec="libx264", pixel_format="yuv420p")
    shot = library.open(str(path))
    assert waited(qtbot, lambda: shot.picture(1)).shape == (8, 1024, 3)
    assert shot.proxy_scale == 0.5
    whole = waited(qtbot, lambda: shot.picture(1, full=True))
    assert np.array_equal(whole, expected(path)[1])
    assert np.array_equal(shot.exact(1), whole)
    assert shot.picture(1).shape == (8, 1024, 3)


def test_exact_pictures_for_background_work(library: FootageLibrary, clip: Path) -> None:
    shot, pictures = library.open(str(clip)), expected(clip)
    for number in (4, 5, 6, 20, 7):
        assert np.array_equal(shot.exact(number), pictures[number])
    for number in (-1, COUNT):
        with pytest.raises(InputError, match="ends with frame 29"):
            shot.exact(number)


def test_a_clip_is_opened_once_until_it_is_forgotten(library: FootageLibrary, clip: Path, qtbot: QtBot) -> None:
    shot = library.open(str(clip))
    assert library.open(str(clip)) is shot
    assert library.open(str(clip), colour="srgb") is not shot
    waited(qtbot, lambda: shot.picture(0))
    library.forget(str(clip))
    assert not shot.held_frames()
    assert library.open(str(clip)) is not shot


def test_the_clips_asked_for_last_stay_open(library: FootageLibrary, clip: Path, qtbot: QtBot) -> None:
    colours = [f"ocio:{number}" for number in range(footage._MOST_CLIPS)]
    shot = library.open(str(clip))
    waited(qtbot, lambda: shot.picture(0))
    for colour in colours[:-1]:
        library.open(str(clip), colour=colour)
    assert library.open(str(clip)) is shot
    for colour in colours:
        library.open(str(clip), colour=colour)
    assert library.open(str(clip)) is not shot
    assert library.cache.used == 0
    # Whoever still holds the old one may go on with it.
    assert waited(qtbot, lambda: shot.picture(3)) is not None


def test_emptied_the_cache_fills_again(library: FootageLibrary, clip: Path, qtbot: QtBot) -> None:
    shot = library.open(str(clip))
    waited(qtbot, lambda: shot.picture(2))
    library.clear()
    assert library.cache.used == 0
    assert waited(qtbot, lambda: shot.picture(2)) is not None


def test_the_cache_follows_the_preferences(preferences: Preferences, clip: Path) -> None:
    library = FootageLibrary(preferences)
    preferences.cache_bytes = 128 << 20
    assert library.cache.limit == 128 << 20
