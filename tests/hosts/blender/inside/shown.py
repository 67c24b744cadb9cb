# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sequencer shows, as numbers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np
from making import SIZE, read_picture


def canvas(scene, size: tuple[int, int] = SIZE) -> None:
    """Have `scene` render at `size`, nothing graded, with alpha."""
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
    render.dither_intensity = 0
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode, render.image_settings.color_depth = "RGBA", "8"
    scene.view_settings.view_transform = "Standard"


def shown(scene, frame: int) -> np.ndarray:
    """(H, W, 4) uint8: the sequencer's picture of timeline frame `frame`."""
    scene.frame_set(frame)
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = f"{folder}/shown.png"
        bpy.ops.render.render(write_still=True, scene=scene.name)
        return read_picture(Path(folder) / "shown.png")
