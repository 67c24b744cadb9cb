# SPDX-License-Identifier: GPL-3.0-or-later
"""The example that ships: a clip, its hand-drawn roto and an edited first frame, and what can be made of them.

source.mp4: 25 frames of Big Buck Bunny, © 2008 Blender Foundation, peach.blender.org, CC-BY 3.0.
roto.json: the rabbit's head and ears as three animated splines, drawn over every second to fourth frame.
keyframe.png: frame 0 with the head's grey fur recoloured to a fox's, made by `python -m maskedit.demo keyframe`.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent

SOURCE = _FOLDER / "source.mp4"
ROTO = _FOLDER / "roto.json"
KEYFRAME = _FOLDER / "keyframe.png"
