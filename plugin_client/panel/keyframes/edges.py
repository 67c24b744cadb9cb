# SPDX-License-Identifier: GPL-3.0-or-later
"""How a document's drawn matte becomes the paste matte (no Qt)."""

from __future__ import annotations

from maskedit.presets import Edges, edges_for
from maskedit.request import Loosening, Region
from plugin_client.panel.model.document import Document


def edges_of(document: Document, *, frame_height: int) -> Edges:
    """In pixels of a clip `frame_height` px high: as chosen, or as the server would choose."""
    choices = document.choices
    region = Region(
        mattes=(),
        grow_px=choices.grow_px,
        feather_px=choices.feather_px,
        loosening=Loosening(choices.loosening),
    )
    return edges_for(region, frame_height=frame_height)
