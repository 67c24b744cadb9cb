# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits a strip of a .blend without a window, and saves the file with the result on the track above.

    blender --background --python blender_headless.py -- cut.blend --strip Plate --matte mask:Mask \
        --keyframe 12=painted.png --prompt "a blue cap" --out edited.blend

The add-on must be installed and switched on. `pip install bpy` does as well as Blender: `python blender_headless.py
cut.blend …`; the environment variables MASKEDIT_SERVER and MASKEDIT_TOKEN then name a server elsewhere. What the
arguments mean: `docs/blender.md`, "Scripting".
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import bpy

ADD_ON = "bl_ext.user_default.maskedit"
IS_MODULE = not bpy.app.binary_path


def main(arguments: list[str]) -> int:
    """Open, edit, save; returns the exit status."""
    parser = argparse.ArgumentParser(prog="blender_headless.py")
    parser.add_argument("file", type=Path, help="the .blend")
    parser.add_argument("--strip", required=True, help="the strip's name")
    parser.add_argument("--matte", required=True, help="mask:NAME, mask_strip:NAME, luma:NAME, alpha:NAME or file:PATH")
    parser.add_argument("--keyframe", action="append", default=[], metavar="FRAME=PICTURE", help="may be repeated")
    parser.add_argument("--prompt", default="")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="overrides the preset")
    parser.add_argument("--deliver", choices=("patch", "full"), default="patch")
    parser.add_argument("--out", type=Path, help="default: the .blend itself")
    options = parser.parse_args(arguments)

    if IS_MODULE:  # which starts without the user's preferences, and so without add-ons
        bpy.ops.preferences.addon_enable(module=ADD_ON)
    try:
        edit(options)
    except RuntimeError as error:  # a sentence that says what is wrong and what to do
        print(error, file=sys.stderr)
        return 1
    return 0


def edit(options: argparse.Namespace) -> None:
    """Wait for the result, and save it. Raises RuntimeError."""
    bpy.ops.wm.open_mainfile(filepath=str(options.file.absolute()))
    bpy.ops.maskedit.submit(
        strip=options.strip,
        matte=options.matte,
        keyframes=";".join(options.keyframe),
        prompt=options.prompt,
        preset=options.preset,
        seed=options.seed,
        deliver=options.deliver,
        settings=";".join(options.set),
        wait=True,
    )
    bpy.ops.wm.save_as_mainfile(filepath=str((options.out or options.file).absolute()))


if __name__ == "__main__":
    status = main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    if IS_MODULE:  # some versions of it crash or hang while they end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
