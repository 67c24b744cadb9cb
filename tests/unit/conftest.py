# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny models of the real classes, loaded the way the large ones are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from maskedit.models import Prediction
from maskedit.models.bundled.codec import DctCodec
from maskedit.models.wan import WanImageToVideo
from maskedit.models.wan_ti2v import GivenTokens
from tests.unit.tiny_models import open_wan, save_i2v, save_scheduler, save_ti2v, save_transformer, save_two_experts

# Tiny tensors gain nothing from a second thread and lose much to waiting for it.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def plain_wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout without text or image encoder: what the bundled model uses."""
    folder = tmp_path_factory.mktemp("models") / "plain-wan"
    save_transformer(folder, channels=48 + 4 + 48, latent_channels=48)
    save_scheduler(folder)
    DctCodec().save_pretrained(folder / "vae")
    limits = {"grid_px": 8, "cell_px": 4, "temporal_factor": 4, "budget_px": 32 * 32, "max_frames": 9}
    sidecar = {"family": "wan-i2v", "prediction": "velocity", "flow_shift": 3.0, "limits": limits, "licence": "test"}
    (folder / "maskedit.json").write_text(json.dumps(sidecar))
    return folder


@pytest.fixture(scope="session")
def whole_wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wan2.1-I2V with all its parts, tiny."""
    return save_i2v(tmp_path_factory.mktemp("models") / "whole-wan")


@pytest.fixture(scope="session")
def two_experts_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wan2.2-I2V-A14B with all its parts, tiny."""
    return save_two_experts(tmp_path_factory.mktemp("models") / "two-experts")


@pytest.fixture(scope="session")
def ti2v_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wan2.2-TI2V-5B with all its parts, tiny."""
    return save_ti2v(tmp_path_factory.mktemp("models") / "ti2v")


@pytest.fixture
def plain_wan(plain_wan_folder: Path) -> WanImageToVideo:
    return open_wan(plain_wan_folder, cell_px=4)


@pytest.fixture
def clean_wan(plain_wan_folder: Path) -> WanImageToVideo:
    """The same weights read as a model that predicts the clean latents."""
    return open_wan(plain_wan_folder, cell_px=4, prediction=Prediction.CLEAN)


@pytest.fixture
def whole_wan(whole_wan_folder: Path) -> WanImageToVideo:
    return open_wan(whole_wan_folder, cell_px=8)


@pytest.fixture
def two_experts(two_experts_folder: Path) -> WanImageToVideo:
    return open_wan(two_experts_folder, cell_px=8)


@pytest.fixture
def ti2v(ti2v_folder: Path) -> WanImageToVideo:
    return open_wan(ti2v_folder, cell_px=32, layout=GivenTokens())


@pytest.fixture(scope="session")
def hunyuan_concat_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HunyuanVideo-I2V with a mask channel, with all its parts, tiny."""
    # Imported here: transformers costs seconds, and most tests never need it.
    from tests.unit.tiny_hunyuan import save_hunyuan

    return save_hunyuan(tmp_path_factory.mktemp("models") / "tiny-hunyuan-33ch", "latent_concat")


@pytest.fixture(scope="session")
def hunyuan_replace_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HunyuanVideo-I2V without a mask channel, with all its parts, tiny."""
    from tests.unit.tiny_hunyuan import save_hunyuan

    return save_hunyuan(tmp_path_factory.mktemp("models") / "tiny-hunyuan-16ch", "token_replace")
