# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawn matte as a video or an image sequence for other programs (no Qt)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maskedit.compositing import matte_frame
from maskedit.errors import OutputError
from maskedit.media import ClipWriter, PlateFrame
from maskedit.request import ColourTag, Deliverable, DeliverableFormat, DeliverableKind, FrameRange, MediaFacts, Origin
from plugin_client.panel.mattes.stopping import Going, go_on

Matte = NDArray[np.float32]
Mattes = Callable[[int, int], Iterator[tuple[int, Matte]]]
"""mattes(first, last): (number, (H, W) in [0, 1]) of each frame, in order."""
Kind = Literal["video", "sequence"]


@dataclass(frozen=True)
class Place:
    """Where a matte goes. `path`: a video file, or the folder of a sequence, which is made."""

    kind: Kind
    path: Path


def export_mattes(
    place: Place, mattes: Mattes, *, clip: str, facts: MediaFacts, frames: FrameRange, going: Going
) -> Path:
    """Write the mattes of `frames`: FFV1 in 16-bit grey, or PNG in 16 bits numbered as the clip; returns the path.

    What is given up, or fails, leaves nothing behind. Raises OutputError, InputError as the mattes do, Stopped when
    `going` says so.
    """
    kind = DeliverableFormat.MKV if place.kind == "video" else DeliverableFormat.PNG
    if place.path.is_dir() and any(place.path.iterdir()):
        raise OutputError(f"The folder {place.path.name} is not empty: choose a new one for the pictures.")
    try:
        place.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{place.path.parent} cannot be written to ({error.strerror}): choose another place."
        ) from error
    # Written by its frames' numbers alone, in full range whatever the clip's is.
    plain = replace(facts, variable_rate=False, range=ColourTag(name="pc", origin=Origin.TAGGED))
    deliverable = Deliverable(kind=DeliverableKind.MATTE, format=kind)
    with ClipWriter(place.path, facts=plain, deliverable=deliverable, source=clip, frames=frames) as writer:
        for number, matte in mattes(frames.first, frames.last):
            go_on(going, (number - frames.first) / len(frames))
            plate = PlateFrame(number=number, planes=(matte,), pixel_format="gray16le", time_base=1 / facts.rate)
            writer.write(matte_frame(plate, matte))
    return place.path
