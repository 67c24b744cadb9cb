# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as they are when an edit is sent.

A job reads its files when its turn comes: a keyframe that is painted on meanwhile must not change it. So they are kept
under names that their content decides.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.media import full_hash
from plugin_client.core.placing import put_in_place


def kept_picture(picture: Path, folder: Path) -> Path:
    """A copy of `picture` in `folder` that nothing will change; the same one for the same content.

    Raises BadInput for a picture that is gone, ClientError where its copy cannot be written.
    """
    try:
        kept = folder / f"kept-{full_hash(picture)[:16]}{picture.suffix}"
        if not kept.exists():
            copy_whole(picture, kept)
    except FileNotFoundError as error:
        raise BadInput(f"The keyframe picture {picture.name} is gone: edit that frame anew, or remove it.") from error
    except OSError as error:
        raise ClientError(
            f"The keyframe picture {picture.name} cannot be kept ({error.strerror}): make room on the disk."
        ) from error
    return kept


def copy_whole(file: Path, destination: Path) -> None:
    """Copy `file` to `destination` in one step, making its folder if need be. Raises OSError."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f".{destination.name}.part")
    shutil.copyfile(file, part)
    put_in_place(part, destination)
