# SPDX-License-Identifier: GPL-3.0-or-later
"""MaskEdit in Blenders older than 4.2, which know no wheels: the same add-on, its libraries unpacked beside it."""

import sys
from pathlib import Path

import bpy

from . import extension

bl_info = {
    "name": "MaskEdit",
    "description": "Repaint a region of a strip by editing one frame",
    "author": "the MaskEdit authors",
    "version": (0, 0, 0),  # the project's, written by packaging/build_blender.py
    "blender": (3, 4, 0),
    "location": "Video Sequencer > Sidebar > MaskEdit",
    "category": "Sequencer",
}

LIBRARIES = str(Path(__file__).parent / "libraries")


def register():
    if sys.version_info[:2] != (3, 11):
        python = ".".join(map(str, sys.version_info[:2]))
        raise RuntimeError(
            f"This MaskEdit zip needs a Blender with Python 3.11, and Blender {bpy.app.version_string} has {python}: "
            "use Blender 4.2 or newer and the zip without 'legacy' in its name."
        )
    sys.path.insert(0, LIBRARIES)
    extension.register()


def unregister():
    extension.unregister()
    sys.path.remove(LIBRARIES)
