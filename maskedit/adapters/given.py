# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapters that a request names: to start from, and to stay beside the edit's own.

Both kinds are attached while tuning and while rendering, so that the two agree; only the edit's own is ever trained
or saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskedit.adapters.attaching import detach
from maskedit.adapters.files import load
from maskedit.errors import InputError
from maskedit.models.family import VideoModel
from maskedit.request import AdapterRole, AdapterUse


def attach_beside(model: VideoModel, uses: Sequence[AdapterUse], *, folder: Path) -> None:
    """Attach the adapters of the role BESIDE, frozen, each at its strength; those of an earlier call come off.

    `folder` holds them as ID.safetensors. To be called before the edit's own adapter is attached. Raises InputError
    for one that is not there, ModelError for one that does not fit.
    """
    for expert in model.experts:
        for name in [name for name in getattr(model.expert(expert), "peft_config", {}) if name.startswith("beside")]:
            detach(model, name)
    for index, use in enumerate(use for use in uses if use.role is AdapterRole.BESIDE):
        load(model, _file(use, folder), name=f"beside{index}", strength=use.strength)


def load_start(model: VideoModel, uses: Sequence[AdapterUse], *, folder: Path) -> bool:
    """Attach the adapters of the role START as the edit's own, ready to be tuned on; False where there are none.

    A model with several transformers takes one file for each, or one for all of them. Raises as `attach_beside`.
    """
    starts = [use for use in uses if use.role is AdapterRole.START]
    if len({use.strength for use in starts}) > 1:
        raise InputError("The adapters to start from have different strengths: give them the same one.")
    if starts:
        load(model, *(_file(use, folder) for use in starts), strength=starts[0].strength)
    return bool(starts)


def uses_key(uses: Sequence[AdapterUse]) -> str:
    """What of the adapters decides an edit, for cache keys. Their ids are hashes of what they hold."""
    return repr(sorted((use.adapter_id, use.role.value, use.strength) for use in uses)) if uses else ""


def _file(use: AdapterUse, folder: Path) -> Path:
    path = folder / f"{use.adapter_id}.safetensors"
    if not path.is_file():
        raise InputError(f"The adapter {use.adapter_id[:12]}… is not there any more: import it again, or leave it out.")
    return path
