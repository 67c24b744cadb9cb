# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model is tuned on and rendered from, in latents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maskedit.caching import LatentCache
from maskedit.encoding import appearance_sample, encode_samples, motion_sample, render_conditioning
from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.models.wan import WanImageToVideo
from maskedit.practising import practice_windows
from maskedit.progress import SilentReporter
from maskedit.request import FrameRange
from maskedit.shot import Shot


@pytest.fixture
def shot() -> Shot:
    generator = torch.Generator().manual_seed(0)
    matte = torch.zeros(1, 1, 5, 16, 16)
    matte[..., 4:12, 4:12] = 1
    return Shot(
        frames=FrameRange(first=0, last=4),
        track=CropTrack.still(CropPlan(Rect(0, 0, 16, 16), 16, 16), frames=range(5)),
        video=torch.rand(1, 3, 5, 16, 16, generator=generator) * 2 - 1,
        edit_matte=matte,
        edited={
            0: torch.rand(1, 3, 1, 16, 16, generator=generator) * 2 - 1,
            3: torch.rand(1, 3, 1, 16, 16, generator=generator) * 2 - 1,
        },
    )


def first_latent_frame(model: WanImageToVideo, latents: torch.Tensor) -> torch.Tensor:
    """The codec stores a clip's first frame alone and exactly: its picture can be read back."""
    return model.decode(latents[:, -48:, :1])


def test_stage_one_targets_the_unedited_clip(plain_wan: WanImageToVideo, shot: Shot, tmp_path: Path) -> None:
    window = shot.window(tuple(range(5)))
    sample = motion_sample(plain_wan, window, start=window.video, prompt="", cache=LatentCache(tmp_path))
    torch.testing.assert_close(sample.target, plain_wan.encode_video(shot.video))
    shown = first_latent_frame(plain_wan, sample.conditioning.latents)
    torch.testing.assert_close(shown, shot.video[:, :, :1], atol=1e-4, rtol=0)
    keep = sample.conditioning.latents[:, :4]
    assert keep[:, :, 0].min() == 1
    assert keep[:, :, 1, 1:3, 1:3].max() == 0
    assert keep[:, :, 1].mean() == 0.75
    assert torch.equal(sample.generated, 1 - keep[:, :1])


def test_stage_two_targets_the_edited_frame_from_the_emptied_plate(
    plain_wan: WanImageToVideo, shot: Shot, tmp_path: Path
) -> None:
    plate, matte = shot.at(3)
    sample = appearance_sample(
        plain_wan, plate, shot.edited[3], edit_matte=matte, prompt="", cache=LatentCache(tmp_path)
    )
    torch.testing.assert_close(plain_wan.decode(sample.target), shot.edited[3], atol=1e-4, rtol=0)
    shown = first_latent_frame(plain_wan, sample.conditioning.latents)
    torch.testing.assert_close(shown, plate * (1 - matte), atol=1e-4, rtol=0)
    assert sample.conditioning.latents[:, :4].mean() == 0.75


def test_inference_shows_the_edited_first_frame(plain_wan: WanImageToVideo, shot: Shot, tmp_path: Path) -> None:
    window = shot.window(tuple(range(5)))
    window.video[:, :, :1] = shot.edited[0]
    conditioning = render_conditioning(
        plain_wan, window, prompt="", shown=shot.edited[0][:, :, 0], cache=LatentCache(tmp_path)
    )
    shown = first_latent_frame(plain_wan, conditioning.latents)
    torch.testing.assert_close(shown, shot.edited[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("from_draft", [False, True])
def test_an_edits_samples_are_its_windows_and_keyframes(
    plain_wan: WanImageToVideo, shot: Shot, tmp_path: Path, from_draft: bool
) -> None:
    practice = practice_windows(shot, [(0, 1, 2), (2, 3, 4)], looks=0, seed=0, drafted=True)
    samples = encode_samples(
        plain_wan,
        shot,
        practice,
        prompt="",
        from_draft=from_draft,
        surest=0.0,
        cache=LatentCache(tmp_path),
        reporter=SilentReporter(),
    )
    assert [sample.target.shape[2] for sample in samples.motion] == [2, 2]
    assert [sample.target.shape[2] for sample in samples.appearance] == [1, 1]
    window = practice[0]()
    assert window.draft is not None
    start = window.draft if from_draft else window.video
    torch.testing.assert_close(samples.motion[0].start, plain_wan.encode_video(start))
    torch.testing.assert_close(samples.motion[0].target, plain_wan.encode_video(window.video))
    assert torch.equal(samples.appearance[0].start, samples.appearance[0].target)


def test_a_model_that_mends_drafts_is_given_the_draft_and_how_sure_it_is(
    plain_wan: WanImageToVideo, shot: Shot, tmp_path: Path
) -> None:
    samples = encode_samples(
        plain_wan,
        shot,
        practice_windows(shot, [(0, 1, 2, 3, 4)], looks=0, seed=3, drafted=True),
        prompt="",
        from_draft=False,
        surest=0.9,
        cache=LatentCache(tmp_path),
        reporter=SilentReporter(),
    )
    (sample,) = samples.motion
    assert torch.equal(sample.start, sample.target)
    keep = sample.conditioning.latents[:, :4, 1:]
    inside = sample.generated[:, :, 1:].expand_as(keep) == 1
    # Every cell of the region is to be made, however sure the draft; none counts as given.
    assert 0 < keep[inside].max() < 1
    assert (sample.generated == 0).any()


def test_stage_two_embeds_the_edited_frame_as_inference_does(
    whole_wan: WanImageToVideo, shot: Shot, tmp_path: Path
) -> None:
    """The reference code shows the image encoder the unedited frame in training and the edited one at inference."""
    cache = LatentCache(tmp_path)
    plate, matte = shot.at(0)
    trained = appearance_sample(whole_wan, plate, shot.edited[0], edit_matte=matte, prompt="", cache=cache)
    window = shot.window(tuple(range(5)))
    rendered = render_conditioning(whole_wan, window, prompt="", shown=shot.edited[0][:, :, 0], cache=cache)
    assert trained.conditioning.embeddings.image is not None
    assert rendered.embeddings.image is not None
    torch.testing.assert_close(trained.conditioning.embeddings.image, rendered.embeddings.image)


def test_the_text_encoder_runs_once_for_all_windows_and_keyframes(
    whole_wan: WanImageToVideo, shot: Shot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[str] = []
    encode = whole_wan.encode_prompt
    monkeypatch.setattr(
        whole_wan, "encode_prompt", lambda prompt, shown: prompts.append(prompt) or encode(prompt, shown)
    )
    cache = LatentCache(tmp_path)
    encode_samples(
        whole_wan,
        shot,
        practice_windows(shot, [(0, 1, 2), (2, 3, 4)], looks=0, seed=0, drafted=False),
        prompt="a red hat",
        from_draft=False,
        surest=0.0,
        cache=cache,
        reporter=SilentReporter(),
    )
    assert prompts == ["a red hat"]


def test_encoding_twice_reads_the_cache(
    plain_wan: WanImageToVideo, shot: Shot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = LatentCache(tmp_path)
    window = shot.window(tuple(range(5)))
    first = motion_sample(plain_wan, window, start=window.video, prompt="", cache=cache)

    def refuse(video: torch.Tensor) -> torch.Tensor:
        raise AssertionError("encoded twice")

    monkeypatch.setattr(plain_wan, "encode_video", refuse)
    again = motion_sample(plain_wan, window, start=window.video, prompt="", cache=cache)
    assert torch.equal(first.target, again.target)
    assert torch.equal(first.conditioning.latents, again.conditioning.latents)


def test_ignored_pixels_are_ignored_cells_of_every_sample(
    plain_wan: WanImageToVideo, shot: Shot, tmp_path: Path
) -> None:
    ignore = torch.zeros_like(shot.edit_matte)
    ignore[..., 1:, 0, 0] = 1
    samples = encode_samples(
        plain_wan,
        replace(shot, ignore=ignore),
        practice_windows(replace(shot, ignore=ignore), [(0, 1, 2, 3, 4)], looks=0, seed=0, drafted=False),
        prompt="",
        from_draft=False,
        surest=0.0,
        cache=LatentCache(tmp_path),
        reporter=SilentReporter(),
    )
    (motion,) = samples.motion
    assert motion.ignored is not None
    assert motion.ignored[0, 0, :, 0, 0].tolist() == [0, 1]
    assert motion.ignored.sum() == 1
    for frame, sample in zip(sorted(shot.edited), samples.appearance, strict=True):
        assert sample.ignored is not None
        assert sample.ignored.sum() == (frame > 0)
