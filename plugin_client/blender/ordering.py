# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is set on a strip to an order that nothing changes any more, and what has to be made for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from plugin_client.blender import settings, takes, watching
from plugin_client.blender.engine import engine
from plugin_client.blender.folders import results_folder
from plugin_client.blender.formats import deliver_for
from plugin_client.blender.mattes import prepare_matte
from plugin_client.blender.orders import Order, StripShot
from plugin_client.blender.orders_json import order_from_json
from plugin_client.blender.pictures import prepare_clip
from plugin_client.blender.preferences import preferences
from plugin_client.blender.runs import Prepares
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks

_KEPT = ("matte", "keyframes", "prompt", "preset", "model", "seed", "deliver", "settings")
_NUMBERED = re.compile(r"Take (\d+)")


def order_of(context: Any, scene: Any, strip: Any, shot: StripShot, **given: Any) -> Order:
    """The strip's own settings as an order; `given` are fields of it that count instead.

    Raises BadInput for a matte that is not chosen, and for pictures that are not there or not painted yet.
    """
    edit = settings.edit_of(strip)
    more = {name: getattr(edit, name) for name in ("grow_px", "feather_px") if getattr(edit, name) >= 0}
    order = Order(
        strip_shot=shot,
        matte=settings.matte_choice(edit),
        keyframes=settings.painted_frames(edit),
        folder=str(results_folder(preferences(context).folder)),
        name=next_name(scene, shot.spot.strip),
        prompt=edit.prompt,
        preset=edit.preset,
        model=edit.model,
        seed=edit.seed,
        deliver=edit.deliver,
        settings=more,
        priority=edit.priority,
    )
    order = replace(order, **given)
    order = replace(order, deliver=deliver_for(strip, order.deliver))
    _check(order, unpainted={bpy.path.abspath(each.path): each.written for each in edit.keyframes if each.written})
    return order


def prepares_of(scene: Any, order: Order) -> Prepares:
    """What has to be made before `order` can be sent. Raises BadInput."""
    folder = engine().new_folder()
    shot = order.strip_shot
    return Prepares(
        matte=prepare_matte(scene, shot, order.matte, folder),
        clip=prepare_clip(scene, shot, folder) if shot.is_rendered else None,
        folder=Path(folder),
    )


def kept_order(marks: Marks) -> dict[str, Any]:
    """What a take says of how it was made, as fields of Order. Raises BadInput where it does not say."""
    try:
        order = order_from_json(dict(marks.settings))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput("This take does not say how it was made: set the strip up anew and run it.") from error
    return {name: getattr(order, name) for name in _KEPT}


def next_name(scene: Any, strip_name: str) -> str:
    """What the strip's next take is called."""
    names = [take.marks.name for take in takes.takes_of(scene, strip_name)]
    names += [run.order.name for run in engine().runs if run.order.strip_shot.spot.strip == strip_name]
    return f"Take {1 + max(_numbers(names), default=0)}"


def _numbers(names: Iterable[str]) -> Iterable[int]:
    return (int(found[1]) for name in names if (found := _NUMBERED.fullmatch(name)))


def _check(order: Order, *, unpainted: dict[str, str]) -> None:
    if not order.matte.name:
        raise BadInput("There is no matte yet: choose the region to edit.")
    if not order.keyframes:
        raise BadInput("There is no painted frame yet: paint one, it shows how the region shall look.")
    for each in order.keyframes:
        if not os.path.isfile(each.path):
            raise BadInput(f"There is no file {each.path}: paint frame {each.frame} again, or remove it.")
        if unpainted.get(each.path) == watching.stamp_of(each.path):
            raise BadInput(f"Frame {each.frame} is not painted yet: change and save it in the image editor.")
