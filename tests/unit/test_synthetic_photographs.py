# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographic textures, and doing without them."""

from collections.abc import Iterator

import pytest
import torch

from maskedit.synthetic import clips, photographs
from maskedit.synthetic.photographs import PICTURES, _bank, draw_photographs, photographs_here

CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(photographs, "PICTURES", ("not-there.png",))
    _bank.cache_clear()
    yield
    _bank.cache_clear()


@pytest.fixture
def no_scikit_image(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    _bank.cache_clear()
    yield
    _bank.cache_clear()


def test_every_named_picture_is_in_the_installed_package() -> None:
    bank = _bank(CPU)
    assert len(bank) == len(PICTURES) and photographs_here(CPU)
    torch.testing.assert_close(bank.std(dim=(1, 2, 3)), torch.ones(len(bank)))
    assert bank.mean(dim=(2, 3)).abs().max() < 1e-4


def test_crops_differ_and_stay_in_range() -> None:
    crops = draw_photographs(24, 48, generator=seeded(0))
    assert crops.shape == (24, 3, 48, 48) and crops.abs().max() <= 1
    assert crops.std(dim=(2, 3)).mean() > 0.1
    apart = (crops[:, None] - crops[None]).square().mean(dim=(2, 3, 4))
    assert apart[~torch.eye(24, dtype=torch.bool)].min() > 1e-3
    assert torch.equal(crops, draw_photographs(24, 48, generator=seeded(0)))


def test_photographs_can_be_declined() -> None:
    with_them, without = (
        clips(8, 2, height=32, width=32, generator=seeded(1), lifelike=True, photographs=choice)[0]
        for choice in (True, False)
    )
    assert not torch.equal(with_them, without)


@pytest.mark.usefixtures("no_pictures")
def test_without_the_files_textures_are_drawn() -> None:
    assert not photographs_here(CPU)
    wanted, declined = (
        clips(4, 2, height=24, width=24, generator=seeded(1), lifelike=True, photographs=choice)[0]
        for choice in (True, False)
    )
    assert torch.equal(wanted, declined)


@pytest.mark.usefixtures("no_scikit_image")
def test_without_the_package_textures_are_drawn() -> None:
    video, _ = clips(2, 2, height=24, width=24, generator=seeded(2), lifelike=True)
    assert not photographs_here(CPU) and video.isfinite().all()
