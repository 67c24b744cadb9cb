# SPDX-License-Identifier: GPL-3.0-or-later
"""Training clips from real files: found, cropped, cut-free, with mattes that move along."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.errors import InputError
from maskedit.media import write_picture
from maskedit.models.bundled.codec import DctCodec
from maskedit.pretraining.batches import training_batches
from maskedit.pretraining.config import Stage
from maskedit.pretraining.following import followed_blob
from maskedit.pretraining.footage import FootageWindow, draw_windows, find_footage, has_cut
from maskedit.pretraining.pool import WindowPool
from tests.unit.tiny_run import drifting_texture, tiny_config, write_film

STAGE = Stage(steps=6, batch=4, frames=5, height=16, width=16)


def silent(sentence: str) -> None:
    raise AssertionError(sentence)


def write_pictures(folder: Path, frames: np.ndarray, name: str, *, first: int) -> None:
    folder.mkdir(exist_ok=True)
    for number, picture in enumerate(frames, start=first):
        write_picture(str(folder / name.format(number)), picture.astype(np.float32) / 255)


class TestFinding:
    def test_videos_and_numbered_pictures_are_found_and_the_rest_is_said(self, tmp_path) -> None:
        write_film(tmp_path / "shot.mkv", drifting_texture(6))
        write_film(tmp_path / "short.mkv", drifting_texture(3))
        write_pictures(tmp_path / "plain", drifting_texture(6), "b{}.png", first=7)
        write_pictures(tmp_path / "padded", drifting_texture(6), "take2.{:04}.png", first=98)
        (tmp_path / "notes.txt").write_text("nothing to see")
        (tmp_path / ".hidden.mkv").write_text("nothing to see")
        said: list[str] = []
        footage = find_footage(tmp_path, [STAGE], say=said.append)
        assert sorted(clip.facts.frame_count for clip in footage.clips) == [6, 6, 6]
        assert len(said) == 2 and "notes.txt" in said[0] and "short.mkv (3 frames" in said[1]

    def test_a_folder_without_a_usable_clip_is_one_sentence(self, tmp_path) -> None:
        write_film(tmp_path / "shot.mkv", drifting_texture(6))
        with pytest.raises(InputError, match="5 frames of at least 64x64"):
            find_footage(tmp_path, [Stage(steps=1, batch=1, frames=5, height=64, width=64)], say=lambda _: None)
        with pytest.raises(InputError, match="9 frames"):
            find_footage(tmp_path, [STAGE, Stage(steps=1, batch=1, frames=9, height=16, width=16)], say=silent)
        with pytest.raises(InputError, match="no folder"):
            find_footage(tmp_path / "elsewhere", [STAGE], say=silent)


class TestWindows:
    def test_at_full_size_a_window_is_the_clip_itself(self, tmp_path) -> None:
        film = drifting_texture(5)
        write_film(tmp_path / "shot.mkv", film)
        whole = Stage(steps=1, batch=1, frames=5, height=48, width=48)
        footage = find_footage(tmp_path, [whole], say=silent)
        for window in draw_windows(footage, list(footage.clips), whole, random=np.random.default_rng(0)):
            assert np.array_equal(window.video, film)

    def test_windows_are_random_in_time_place_and_size(self, tmp_path) -> None:
        """In a film whose colours name time and place, a window says where it was taken."""
        film = np.zeros((20, 64, 64, 3), np.uint8)
        film[..., 0] = np.arange(20)[:, None, None] * 10
        film[..., 1], film[..., 2] = np.arange(64)[:, None] * 4, np.arange(64) * 4
        write_film(tmp_path / "shot.mkv", film)
        footage = find_footage(tmp_path, [STAGE], say=silent)
        random = np.random.default_rng(0)
        drawn = [draw_windows(footage, list(footage.clips), STAGE, random=random) for _ in range(12)]
        windows = [window.video.astype(int) for group in drawn for window in group]
        assert len({tuple(window[:, 0, 0, 0]) for window in windows}) > 4
        assert all((np.diff(window[:, 0, 0, 0]) == 10).all() for window in windows)
        spans = [window[0, -1, 0, 1] - window[0, 0, 0, 1] for window in windows]
        assert min(spans) < 90 and max(spans) > 180, "from the pixels themselves to the whole picture"
        assert len({window[0, 0, 0, 2] // 8 for window in windows}) > 4

    def test_a_cut_is_never_within_a_window(self, tmp_path) -> None:
        bright, dark = drifting_texture(8) // 2 + 120, drifting_texture(8, seed=1) // 3
        write_film(tmp_path / "two_shots.mkv", np.concatenate([bright, dark]))
        footage = find_footage(tmp_path, [STAGE], say=silent)
        random = np.random.default_rng(0)
        for _ in range(10):
            for window in draw_windows(footage, list(footage.clips), STAGE, random=random):
                assert (window.video >= 119).all() or (window.video <= 86).all()

    @pytest.mark.parametrize("seeds", [(0, 0, 0, 1, 1, 1), None])
    def test_footage_without_a_steady_stretch_is_said(self, tmp_path, seeds: tuple[int, ...] | None) -> None:
        """Two shots of three frames each; a grey wall."""
        wall = np.full((6, 48, 48, 3), 90, np.uint8)
        film = np.concatenate([drifting_texture(1, seed=seed) for seed in seeds]) if seeds else wall
        write_film(tmp_path / "shot.mkv", film)
        footage = find_footage(tmp_path, [STAGE], say=silent)
        with pytest.raises(InputError, match="crosses a cut or shows nothing"):
            draw_windows(footage, list(footage.clips), STAGE, random=np.random.default_rng(0))

    def test_a_clip_that_is_gone_is_said_once_and_left_out(self, tmp_path) -> None:
        write_film(tmp_path / "shot.mkv", drifting_texture(6))
        lost = write_film(tmp_path / "lost.mkv", drifting_texture(60))
        said: list[str] = []
        footage = find_footage(tmp_path, [STAGE], say=said.append)
        lost.unlink()
        clips, random = list(footage.clips), np.random.default_rng(0)
        for _ in range(6):
            assert draw_windows(footage, clips, STAGE, random=random)
        assert len(said) == 1 and "lost.mkv" in said[0] and len(clips) == 1
        (tmp_path / "shot.mkv").unlink()
        with pytest.raises(InputError, match="can be read any more"):
            draw_windows(footage, clips, STAGE, random=random)

    @settings(max_examples=30, deadline=None)
    @given(pixels=st.integers(0, 6), seed=st.integers(0, 50), frames=st.integers(5, 12))
    def test_motion_is_no_cut_and_a_cut_is_no_motion(self, pixels: int, seed: int, frames: int) -> None:
        def small(film: np.ndarray) -> np.ndarray:
            return film[:, ::3, ::3].astype(np.float32) / 255

        moving = small(drifting_texture(frames, pixels_a_frame=pixels, seed=seed))
        other = small(drifting_texture(frames, pixels_a_frame=pixels, seed=seed + 1))
        assert not has_cut(moving)
        if pixels < 2:
            assert has_cut(np.concatenate([moving, other]))


class TestBlobs:
    @pytest.mark.parametrize("pixels", [0, 1, 2])
    def test_a_blob_goes_where_the_picture_goes(self, pixels: int) -> None:
        film = drifting_texture(5, size=64, pixels_a_frame=pixels)
        moved = []
        for seed in range(8):
            coverage = followed_blob(film, random=np.random.default_rng(seed)).astype(float)
            assert coverage[0].max() == 255 and coverage[0].min() == 0
            middle = [(frame * np.arange(64)).sum() / frame.sum() for frame in coverage[[0, -1]]]
            moved.append(middle[1] - middle[0])
        assert np.median(moved) == pytest.approx(4 * pixels, abs=0.2 + 0.8 * pixels)

    def test_every_other_blob_is_put_on_what_changes(self) -> None:
        film = np.full((5, 64, 64, 3), 100, np.uint8)
        film[:, 4:10, 4:10] = np.random.default_rng(0).integers(0, 255, (5, 6, 6, 3))
        on_it = [followed_blob(film, random=np.random.default_rng(seed))[0, 4:10, 4:10].any() for seed in range(40)]
        assert 16 <= sum(on_it) <= 32


class TestPool:
    def test_it_is_bounded_refilled_and_closed(self) -> None:
        numbers = count()
        drawn: list[int] = []

        def draw() -> list[FootageWindow]:
            drawn.append(next(numbers))
            return [FootageWindow(np.full((5, 16, 16, 3), drawn[-1] % 256, np.uint8), np.zeros((5, 16, 16), np.uint8))]

        with WindowPool(draw, size=6, seed=0) as pool:
            latest = 0.0
            for _ in range(40):
                video, coverage = pool.take(4, device=torch.device("cpu"))
                assert video.shape == (4, 3, 5, 16, 16) and coverage.shape == (4, 1, 5, 16, 16)
                assert len(video.unique(dim=0)) == 4, "no window twice while there are enough"
                assert len(pool._windows) <= 6
                latest = max(latest, float(video.max()))
            assert latest > 6 / 127.5 - 1, "taken windows are followed by new ones"
            assert len(drawn) <= 6 + 40 * 4, "and by no more than were taken"
        assert not [thread for thread in threading.enumerate() if thread.name == "footage"]

    def test_what_goes_wrong_is_raised_where_it_is_seen(self) -> None:
        def draw() -> list[FootageWindow]:
            raise InputError("The disk is gone.")

        with WindowPool(draw, size=4, seed=0) as pool, pytest.raises(InputError, match="disk is gone"):
            pool.take(1, device=torch.device("cpu"))

    def test_more_than_it_holds_can_be_taken(self) -> None:
        window = FootageWindow(np.zeros((5, 16, 16, 3), np.uint8), np.full((5, 16, 16), 255, np.uint8))
        with WindowPool(lambda: [window], size=2, seed=0) as pool:
            video, coverage = pool.take(5, device=torch.device("cpu"))
        assert (video == -1).all() and (coverage == 1).all() and len(video) == 5


class TestBatches:
    def test_own_clips_are_mixed_in_by_their_share(self, tmp_path) -> None:
        """A film of grey stripes: its latents have no chroma, drawn clips have."""
        film = drifting_texture(6)[..., :1].repeat(3, -1)
        write_film(tmp_path / "shot.mkv", film)
        footage = find_footage(tmp_path, [STAGE], say=silent)

        def own(share: float) -> float:
            config = tiny_config(footage_share=share, clip_echo=1, least_codec_db=-100.0, still_share=0.0)
            batches = training_batches(config, DctCodec(), first_step=0, footage=footage)
            chroma = [next(batches).clean[:, 16:, 0].abs().amax(dim=(1, 2, 3)) for _ in range(16)]
            batches.close()
            return float((torch.cat(chroma) < 0.02).float().mean())

        assert own(0.0) == 0
        assert own(1.0) == 1
        assert 0.3 < own(0.5) < 0.7

    def test_each_stage_gets_its_own_shape(self, tmp_path) -> None:
        write_film(tmp_path / "shot.mkv", drifting_texture(9))
        stages = (
            Stage(steps=2, batch=2, frames=5, height=16, width=16),
            Stage(steps=9, batch=3, frames=9, height=32, width=24),
        )
        config = tiny_config(stages=stages, still_share=0.0, footage_share=1.0, footage_windows=4)
        footage = find_footage(tmp_path, stages, say=silent)
        batches = training_batches(config, DctCodec(), first_step=1, footage=footage)
        shapes = [tuple(next(batches).clean.shape) for _ in range(3)]
        batches.close()
        assert shapes == [(2, 48, 2, 4, 4), (3, 48, 3, 8, 6), (3, 48, 3, 8, 6)]
        assert not [thread for thread in threading.enumerate() if thread.name == "footage"]
