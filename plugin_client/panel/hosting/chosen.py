# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip that was chosen on a timeline, and how it is kept on the disk (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot
from plugin_client.core.timeline import FrameRange


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """`shot`: as it was read. `media`: its file, or what was rendered of it. `folder`: of its project here. `placed`:
    the item on the timeline of each take that was put there, by the take's job."""

    key: str
    shot: Shot
    media: str
    folder: Path
    placed: Mapping[str, str]


def chosen_from(key: str, entry: Mapping[str, Any]) -> Chosen | None:
    """What a ledger's entry says, None where it is damaged."""
    try:
        frames = FrameRange(**entry["shot"]["frames"])
        shot = Shot(**entry["shot"] | {"frames": frames, "rate": Fraction(entry["shot"]["rate"])})
        folder, placed = Path(entry["folder"]), dict(entry["placed"])
        return Chosen(key=key, shot=shot, media=str(entry["media"]), folder=folder, placed=placed)
    except (KeyError, TypeError, ValueError, BadInput):
        return None


def shot_to_json(shot: Shot) -> dict[str, Any]:
    """The entry's `shot`."""
    return asdict(shot) | {"rate": str(shot.rate)}


def free_folder(results: Path, media: Path) -> Path:
    """A project's folder that nothing lies at, called after its clip."""
    stem = media.stem.split("%")[0].rstrip("._- ") or "clip"
    folder, number = results / f"{stem}.maskedit", 2
    while folder.exists():
        folder, number = results / f"{stem} {number}.maskedit", number + 1
    return folder
