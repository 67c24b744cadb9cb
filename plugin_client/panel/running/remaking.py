# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes from takes: with another seed from the same adapter, and with a corrected frame (no Qt)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from plugin_client.core.adapters import Adapters
from plugin_client.core.connection import Connection
from plugin_client.core.fixing import fixed_edit, ranges_around
from plugin_client.core.requests import GivenAdapter, Picture, WireEdit
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.submitting import Order, edit_of

_UNTUNED: tuple[tuple[str, Any], ...] = (("appearance_steps", 0), ("motion_steps", 0))


def from_adapter(connection: Connection, take: Take, order: Order) -> Order:
    """`order` begun with the adapter that `take` was rendered with, and nothing tuned on it.

    As it was if the server does not have that adapter (any more), or the take was made without one, as drafts are.
    """
    key = adapter_of(take)
    if not key or all(adapter.adapter_id != key for adapter in Adapters(connection).list()):
        return order
    return replace(order, adapters=(GivenAdapter(adapter_id=key),), settings=_UNTUNED)


def adapter_of(take: Take) -> str:
    """The adapter that a take was rendered with, "" if with none.

    A take that was itself rendered from an adapter names no file of its own, but the one it began with.
    """
    given = [use["adapter_id"] for use in _request(take).get("adapters", ()) if use["role"] == "start"]
    own = (take.record.get("adapter") or {}).get("key", "")
    return given[0] if given and _untuned(take) else own


def fixed(connection: Connection, take: Take, order: Order, *, pictures: Sequence[Picture]) -> WireEdit:
    """`order`, whose document is the take's with `pictures` among its keyframes, as a fix of that take.

    Only what the pictures reach is rendered. Raises BadInput or InputError, one sentence.
    """
    if _untuned(take):
        order = from_adapter(connection, take, order)
    document = order.document
    corrected = [picture.frame for picture in pictures]
    whole = document.frames or FrameRange(0, order.facts.frame_count - 1)
    frames = ranges_around(
        corrected,
        frames=whole,
        keyframes=[each.frame for each in take.document.keyframes],
        record=take.record,
    )
    kept = [
        replace(picture, path=str(order.workspace / each.path))
        for picture in pictures
        if (each := document.keyframe_at(picture.frame)) is not None
    ]
    return fixed_edit(edit_of(order), take.job_id, pictures=kept, frames=frames)


def _untuned(take: Take) -> bool:
    settings = _request(take).get("settings", {})
    return all(settings.get(name) == value for name, value in _UNTUNED)


def _request(take: Take) -> dict[str, Any]:
    return take.record.get("request") or {}
