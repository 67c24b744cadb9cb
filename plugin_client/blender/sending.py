# SPDX-License-Identifier: GPL-3.0-or-later
"""From an order to an edit on the wire, with its pictures frozen as they are now."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from plugin_client.blender.formats import format_for
from plugin_client.blender.orders import Order
from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.keeping import kept_picture
from plugin_client.core.requests import SETTINGS, EditOptions, MatteFile, Picture, Wanted, WireEdit, build_edit

_EDIT = "edit.pb"
_OF_THE_EDIT = ("grow_px", "feather_px", "smooth_frames", "loosening", "composite", "colour", "finish")


def pictures_of(order: Order, folder: Path) -> tuple[Picture, ...]:
    """The painted frames, copied into `folder` as they are now. Raises BadInput or ClientError, one sentence."""
    if not order.keyframes:
        raise BadInput("There is no painted frame yet: export one and edit it, it shows how the region shall look.")
    return tuple(Picture(frame=each.frame, path=str(kept_picture(Path(each.path), folder))) for each in order.keyframes)


def edit_of(order: Order, *, clip: str, matte: MatteFile, pictures: tuple[Picture, ...]) -> WireEdit:
    """The edit. Raises BadInput, one sentence.

    `order.settings`: fields of EditOptions (`_OF_THE_EDIT`), and SETTINGS of the preset.
    """
    own = {name: value for name, value in order.settings.items() if name in _OF_THE_EDIT}
    preset = {name: value for name, value in order.settings.items() if name not in own}
    if unknown := sorted(preset.keys() - SETTINGS.keys()):
        raise BadInput(f"There is no setting {unknown[0]!r}: take one of {', '.join((*_OF_THE_EDIT, *SETTINGS))}.")
    return build_edit(
        dataclasses.replace(
            EditOptions(
                clip=clip,
                mattes=(matte,),
                keyframes=pictures,
                frames=order.strip_shot.shot.frames,
                model=order.model,
                preset=order.preset,
                prompt=order.prompt,
                seed=order.seed,
                deliverables=(Wanted(order.deliver, format_for(order.deliver, clip)),),
                settings=preset,
                name=f"{Path(clip).stem}, {order.name}",
            ),
            **own,
        )
    )


def keep_edit(edit: WireEdit, folder: Path) -> None:
    """Keep the edit for as long as its run is not over. Raises ClientError."""
    part = folder / f"{_EDIT}.part"
    try:
        part.write_bytes(edit.SerializeToString())
        part.replace(folder / _EDIT)
    except OSError as error:
        raise ClientError(f"The edit cannot be kept in {folder} ({error.strerror}): make room on the disk.") from error


def kept_edit(folder: Path) -> WireEdit | None:
    """What `keep_edit` kept there; None if nothing."""
    try:
        return WireEdit.FromString((folder / _EDIT).read_bytes())
    except FileNotFoundError:
        return None
