# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache is keyed by content and survives damage."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskedit.caching import LatentCache, content_hash, save_atomically, told_of_saved
from maskedit.faults import planned
from maskedit.models.wan import WanImageToVideo


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_hashes_are_equal_only_for_equal_parts(first: list[str], second: list[str]) -> None:
    assert (content_hash(*first) == content_hash(*second)) == (first == second)


def test_hashes_see_values_shape_and_type() -> None:
    tensor = torch.arange(6.0)
    others = [tensor + 1e-7, tensor.view(2, 3), tensor.double(), tensor.int(), tensor.flip(0)]
    assert len({content_hash(t) for t in [tensor, *others]}) == 6
    assert content_hash(tensor) == content_hash(torch.stack([tensor, tensor], dim=1)[:, 0])


def test_equal_content_is_made_once(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    cache, calls = LatentCache(tmp_path), []

    def make() -> dict[str, torch.Tensor]:
        calls.append(1)
        return {"latents": torch.ones(2)}

    first = cache.get(plain_wan, "video", torch.zeros(3), make=make)
    second = cache.get(plain_wan, "video", torch.zeros(3), make=make)
    assert torch.equal(first["latents"], second["latents"])
    assert len(calls) == 1


def test_another_matte_model_or_kind_is_made_anew(
    plain_wan: WanImageToVideo, clean_wan: WanImageToVideo, tmp_path: Path
) -> None:
    """The reference code named its latents by the clip's file: re-masking went on with the old ones."""
    cache = LatentCache(tmp_path)
    made = [
        cache.get(model, kind, content, make=lambda v=value: {"n": torch.tensor([v])})["n"].item()
        for value, (model, kind, content) in enumerate(
            [
                (plain_wan, "video", torch.zeros(3)),
                (plain_wan, "video", torch.ones(3)),
                (plain_wan, "condition", torch.zeros(3)),
                (clean_wan, "video", torch.zeros(3)),
            ]
        )
    ]
    assert made == [0, 1, 2, 3]


@pytest.mark.parametrize("keep", [0, 4, 40])
def test_a_file_cut_short_is_made_anew(plain_wan: WanImageToVideo, tmp_path: Path, keep: int) -> None:
    cache = LatentCache(tmp_path)
    cache.get(plain_wan, "video", torch.zeros(3), make=lambda: {"n": torch.zeros(100)})
    file = next(tmp_path.glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:keep])
    assert cache.get(plain_wan, "video", torch.zeros(3), make=lambda: {"n": torch.ones(2)})["n"].sum() == 2
    assert file.stat().st_size > keep


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_atomically({"n": torch.zeros(2)}, path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="metadata"):
        save_atomically({"n": torch.ones(2)}, path, metadata={"step": 1})  # type: ignore[dict-item]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_saved_is_told_once_it_is_whole_and_what_fails_is_not(tmp_path: Path) -> None:
    heard = []
    with told_of_saved(lambda path: heard.append((path.name, path.exists()))):
        save_atomically({"n": torch.ones(2)}, tmp_path / "first")
        with planned("tensors.rename=ENOSPC"), pytest.raises(OSError):
            save_atomically({"n": torch.ones(2)}, tmp_path / "second")
    save_atomically({"n": torch.ones(2)}, tmp_path / "third")
    assert heard == [("first", True)]
