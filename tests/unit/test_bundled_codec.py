# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixed space-time codec behind the autoencoder's interface."""

import itertools
import math

import pytest
import torch
from diffusers import AutoencoderKLWan
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.models.bundled.codec import CELL, CHANNELS, DctCodec
from maskedit.synthetic import clips


@pytest.fixture(scope="module")
def codec() -> DctCodec:
    return DctCodec()


def encode(codec: DctCodec, video: torch.Tensor) -> torch.Tensor:
    return codec.encode(video).latent_dist.mode()


def decode(codec: DctCodec, latents: torch.Tensor) -> torch.Tensor:
    return codec.decode(latents, return_dict=False)[0]


def noise_video(frames: int, height: int, width: int, *, seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, frames, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def psnr(result: torch.Tensor, truth: torch.Tensor) -> float:
    return 10 * math.log10(4 / (result - truth).square().mean().item())


@settings(max_examples=20, deadline=None)
@given(groups=st.integers(0, 3), rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_shapes_follow_the_grid(groups: int, rows: int, columns: int) -> None:
    video = noise_video(4 * groups + 1, 4 * rows, 4 * columns)
    latents = encode(DctCodec(), video)
    assert latents.shape == (2, CHANNELS, groups + 1, rows, columns)
    assert decode(DctCodec(), latents).shape == video.shape


def test_first_frame_is_exact_whatever_it_holds(codec: DctCodec) -> None:
    video = noise_video(5, 16, 24)
    result = decode(codec, encode(codec, video))
    torch.testing.assert_close(result[:, :, 0], video[:, :, 0], atol=1e-5, rtol=0)
    assert psnr(result[:, :, 1:], video[:, :, 1:]) < 20  # white noise does not fit into a quarter of the numbers


def test_still_group_has_the_latents_of_the_first_frame(codec: DctCodec) -> None:
    still = noise_video(1, 16, 16).repeat(1, 1, 9, 1, 1)
    latents = encode(codec, still)
    torch.testing.assert_close(latents[:, :, 1], latents[:, :, 2])
    # Channels that hold no temporal change agree with the first frame; the others hold zero.
    same = (latents[:, :, 1] - latents[:, :, 0]).abs().amax(dim=(0, 2, 3)) < 1e-5
    silent = latents[:, :, 1].abs().amax(dim=(0, 2, 3)) < 1e-5
    assert (same ^ silent).all()
    assert same[:16].all(), "all luma detail that stands still is kept"
    assert same.sum() >= 22


def test_coding_again_changes_nothing(codec: DctCodec) -> None:
    once = decode(codec, encode(codec, noise_video(9, 16, 16)))
    torch.testing.assert_close(decode(codec, encode(codec, once)), once, atol=1e-5, rtol=0)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_decoding_is_the_closest_video_that_latents_can_hold(seed: int) -> None:
    """An orthogonal projection: no other latents come closer to the video."""
    codec, generator = DctCodec(), torch.Generator().manual_seed(seed)
    video = noise_video(5, 8, 8, seed=seed)
    latents = encode(codec, video)
    other = latents + 0.05 * torch.randn(latents.shape, generator=generator)
    assert (decode(codec, latents) - video).square().mean() < (decode(codec, other) - video).square().mean()


def test_slow_and_obvious_transform_agrees(codec: DctCodec) -> None:
    """Coefficient by coefficient, from the definition of the cosine transform."""
    video = noise_video(5, 4, 4)[:1]
    group = video[0, :, 1:]
    axes = torch.tensor([[1.0, 1, 1], [1, 0, -1], [-1, 2, -1]])
    axes = axes / axes.norm(dim=1, keepdim=True)

    def cosine(frequency: int, position: int) -> float:
        scale = math.sqrt((1 if frequency == 0 else 2) / CELL)
        return scale * math.cos(math.pi * frequency * (position + 0.5) / CELL)

    expected = {}
    for colour, k, i, j in itertools.product(range(3), range(2), range(2), range(2)):
        total = 0.0
        for c, t, y, x in itertools.product(range(3), range(CELL), range(CELL), range(CELL)):
            weight = axes[colour, c].item() * cosine(k, t) / 2 * cosine(i, y) * cosine(j, x)
            total += weight * group[c, t, y, x].item()
        expected[colour, k, i, j] = total
    latents = encode(codec, video)[0, :, 1, 0, 0]
    for (colour, k, i, j), value in expected.items():
        if k == 0 and (colour == 0 or i + j < 3):
            assert latents[colour * 16 + i * CELL + j].item() == pytest.approx(value, abs=1e-5)
    assert any(abs(latent.item() - expected[0, 1, 0, 0]) < 1e-5 for latent in latents), "moving luma is kept"


def test_moving_pictures_survive() -> None:
    codec = DctCodec()
    video, _ = clips(8, 9, height=64, width=64, generator=torch.Generator().manual_seed(5))
    result = decode(codec, encode(codec, video))
    assert psnr(result, video) > 30


@pytest.mark.parametrize("shape", [(1, 3, 4, 16, 16), (1, 3, 5, 18, 16), (1, 3, 5, 16, 15), (1, 1, 5, 16, 16)])
def test_clip_off_the_grid_is_refused_with_advice(codec: DctCodec, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="4n\\+1 frames"):
        codec.encode(torch.zeros(shape))


def test_folder_round_trip(tmp_path) -> None:
    DctCodec().save_pretrained(tmp_path)
    loaded = DctCodec.from_pretrained(tmp_path, use_safetensors=True, local_files_only=True)
    video = noise_video(5, 8, 8)
    torch.testing.assert_close(encode(loaded, video), encode(DctCodec(), video))
    assert loaded.config.z_dim == CHANNELS and len(loaded.config.latents_std) == CHANNELS


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="fixed"):
        DctCodec(z_dim=16)


def test_interface_is_the_autoencoders() -> None:
    """What the Wan pipelines read of a codec exists under the same names and with the same meaning."""
    learned = AutoencoderKLWan(
        base_dim=4,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    codec = DctCodec()
    for name in ("z_dim", "latents_mean", "latents_std", "scale_factor_temporal", "scale_factor_spatial"):
        assert name in learned.config and name in codec.config
    video = noise_video(5, 16, 16)
    ours, theirs = codec.encode(video).latent_dist, learned.encode(video).latent_dist
    torch.testing.assert_close(ours.mode(), ours.sample())
    assert ours.mode().shape[2] == theirs.mode().shape[2]
    assert codec.dtype == torch.float32 and codec.device.type == "cpu"
    assert 2 ** sum(codec.config.temperal_downsample) == codec.config.scale_factor_temporal
    # The modular pipeline steps derive the spatial factor from the length of this list.
    assert 2 ** len(codec.config.temperal_downsample) == codec.config.scale_factor_spatial
