# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a trained state as a model folder: the layout of diffusers, plus `maskedit.json` that says what it is."""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from diffusers import WanTransformer3DModel

from maskedit.models.bundled.codec import CELL, DctCodec
from maskedit.pretraining.config import PretrainConfig
from maskedit.pretraining.probe import shipped_scheduler


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and contents of a model folder's files, `maskedit.json` apart."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "maskedit.json"):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def export(average: WanTransformer3DModel, folder: Path, *, config: PretrainConfig, facts: dict[str, Any]) -> str:
    """Write transformer (bfloat16), codec, scheduler and `maskedit.json` into `folder`; returns the fingerprint.

    `facts` (steps trained, figures of the probe …) are added to `maskedit.json`. Files are written aside and renamed,
    so that a reader finds each of them whole.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".export-"))
    try:
        shipped: Any = WanTransformer3DModel.from_config(average.config)
        shipped.load_state_dict(average.state_dict())
        shipped.to(torch.bfloat16).save_pretrained(aside / "transformer", safe_serialization=True)
        DctCodec().save_pretrained(aside / "vae", safe_serialization=True)
        shipped_scheduler(flow_shift=config.flow_shift).save_pretrained(aside / "scheduler")
        mark = fingerprint(aside)
        identity = {
            "name": "bundled",
            "family": "wan-i2v-mending",
            "prediction": "clean",
            "licence": "GPL-3.0-or-later",
            "flow_shift": config.flow_shift,
            "limits": {
                "grid_px": CELL * config.transformer["patch_size"][1],
                "cell_px": CELL,
                "temporal_factor": CELL,
                "budget_px": config.budget_px,
                "max_frames": config.max_frames,
            },
            "recipe": config.recipe,
            "fingerprint": mark,
            **facts,
        }
        (aside / "maskedit.json").write_text(json.dumps(identity, indent=2) + "\n")
        for path in sorted(p for p in aside.rglob("*") if p.is_file()):
            target = folder / path.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(0o644)
            os.replace(path, target)
    finally:
        shutil.rmtree(aside)
    return mark
