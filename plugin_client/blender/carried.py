# SPDX-License-Identifier: GPL-3.0-or-later
"""What a second Blender needs of the open file, written beside it: the open file keeps its name and its state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from plugin_client.core.errors import BadInput


def mask_alone(mask: Any, blend: str) -> None:
    """Write a mask, with the movie clips that it follows, to the new file `blend`. Raises BadInput if that fails."""
    with _told(blend):
        bpy.data.libraries.write(blend, {mask}, path_remap="ABSOLUTE")


def whole_file(blend: str) -> None:
    """Save a copy of the open file as `blend`, with what is not saved yet. Raises BadInput if that fails.

    Writing a scene alone would be enough, but crashes 5.2.3 where the scene has a scene strip.
    """
    with _told(blend):
        bpy.ops.wm.save_as_mainfile(filepath=blend, copy=True, relative_remap=True, compress=False)


@contextmanager
def _told(blend: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, OSError) as error:
        why = str(error).strip().splitlines()[-1]
        raise BadInput(f"{blend} could not be written to be rendered ({why}): see that its disk has room.") from error
