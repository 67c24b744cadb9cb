# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask configurations that a mask-aware model has to know, in the shares in which they are practised."""

import torch
from torch import Tensor

from maskedit.conditioning import Condition, cells_to_edit, empty_region
from maskedit.models.bundled.codec import CELL

# Shares of the mask configurations among clips; "region" is the one that tuning and rendering use.
_SHARES = (
    ("region", 0.66),
    ("region between first and last", 0.10),
    ("all but the first frame", 0.09),
    ("region around any keyframe", 0.07),
    ("everything", 0.04),
    ("nothing", 0.04),
)


def draw_condition(video: Tensor, edit_matte: Tensor, *, generator: torch.Generator) -> Condition:
    """Give each clip of a batch a mask configuration by chance; a single frame always has its region emptied.

    `video` (B, 3, T, H, W), `edit_matte` (B, 1, T, H, W).
    """
    edit_cells = cells_to_edit(edit_matte, factor=CELL)
    batch, _, frames = edit_cells.shape[:3]
    if frames > 1:
        draws = torch.rand(batch, generator=generator, device=generator.device).tolist()
        anywhere = torch.randint(frames, (batch,), generator=generator, device=generator.device).tolist()
        for clip, (draw, keyframe) in enumerate(zip(draws, anywhere, strict=True)):
            _configure(edit_cells[clip, 0], _pick(draw), keyframe)
    return Condition(video=empty_region(video, edit_cells, factor=CELL), keep_cells=1 - edit_cells)


def _pick(draw: float) -> str:
    for name, share in _SHARES:
        draw -= share
        if draw < 0:
            return name
    return _SHARES[0][0]


def _configure(edit_cells: Tensor, configuration: str, keyframe: int) -> None:
    """Change the edit cells (T, h, w) of one clip in place."""
    match configuration:
        case "region":
            edit_cells[0] = 0
        case "region between first and last":
            edit_cells[[0, -1]] = 0
        case "all but the first frame":
            edit_cells[1:], edit_cells[0] = 1, 0
        case "region around any keyframe":
            edit_cells[keyframe] = 0
        case "everything":
            edit_cells[:] = 1
        case "nothing":
            edit_cells[:] = 0
