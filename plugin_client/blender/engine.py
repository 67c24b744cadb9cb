# SPDX-License-Identifier: GPL-3.0-or-later
"""This Blender's one engine, see `conducting`. Importing this costs Blender's start-up nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugin_client.blender.conducting import Engine

_engine: Engine | None = None


def engine() -> Engine:
    """The engine, made where it is asked for first, with the runs of an earlier Blender; on the main thread."""
    global _engine
    if _engine is None:
        from plugin_client.blender.conducting import Engine
        from plugin_client.blender.open_file import OpenFile, server_settings
        from plugin_client.blender.session import Session
        from plugin_client.blender.watching import redraw
        from plugin_client.core.datadir import data_dir
        from plugin_client.core.ledger import Ledger

        ledger = Ledger(data_dir() / "blender" / "runs")
        _engine = Engine(OpenFile(), Session(server_settings), ledger=ledger, redraw=redraw)
        _engine.resume()
    return _engine


def is_made() -> bool:
    """Whether anybody has asked for it."""
    return _engine is not None


def unmake() -> None:
    """Stop it; the next one takes up its runs."""
    global _engine
    if _engine is not None:
        _engine.stop()
        _engine = None
