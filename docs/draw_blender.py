# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/images/blender-*.png: `./run exec python docs/draw_blender.py [--blender PROGRAM]`.

Drives a Blender with a window, on a screen of its own, with a real server and the bundled model; needs the Blender
itself, and xvfb, xdotool and imagemagick. Some minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images"
SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 1600x900x24 +extension GLX")
FACTORY = ("--python-use-system-env", "--factory-startup", "--python-exit-code", "1", "--app-template", "Video_Editing")
WINDOW = ("--window-geometry", "0", "0", "1600", "900")
SCENES = ROOT / "docs" / "draw_blender_scenes.py"
WIDTH = 1280
WHICH_PYTHON = "import sys; print('python', *sys.version_info[:2], sep='-')"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blender", default="/usr/bin/blender", help="the Blender to draw (default: %(default)s)")
    blender = parser.parse_args().blender
    home = Path(tempfile.mkdtemp(prefix="maskedit-blender-"))
    try:
        draw(blender, home)
    finally:
        with suppress(OSError, ValueError):
            os.kill(json.loads((home / "data" / "server.json").read_text())["pid"], signal.SIGTERM)
        shutil.rmtree(home, ignore_errors=True)


def draw(blender: str, home: Path) -> None:
    """Have every state drawn, and keep the pictures. Nobody's folders and settings are in them."""
    out = home / "out"
    out.mkdir()
    private = {name: str(home) for name in ("HOME", "XDG_CACHE_HOME", "BLENDER_USER_CONFIG", "BLENDER_USER_SCRIPTS")}
    environment = os.environ | private | {
        "MASKEDIT_DATA_DIR": str(home / "data"),
        "MASKEDIT_COMMAND": f"{sys.executable} -m plugin_client.cli.main",
        "PYTHONPATH": os.pathsep.join(map(str, (tools_for(blender), ROOT))),
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }  # fmt: skip
    server = subprocess.Popen([sys.executable, "-m", "bridge_server", "--data-dir", str(home / "data")])
    try:
        subprocess.run(
            [*SCREEN, blender, *FACTORY, *WINDOW, "--python", str(SCENES), "--", str(ROOT), str(out)],
            env=environment,
            check=True,
        )
    finally:
        server.terminate()
        server.wait(20)
    for path in sorted(out.glob("*.png")):
        keep(path)


def tools_for(blender: str) -> Path:
    """gRPC and protobuf for that Blender's Python, as the tests have them."""
    said = subprocess.run([blender, "-b", "--python-expr", WHICH_PYTHON], capture_output=True, text=True, check=True)
    major, minor = next(line for line in said.stdout.splitlines() if line.startswith("python-")).split("-")[1:]
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    blenders = os.environ.get("MASKEDIT_TEST_BLENDERS") or Path(cache) / "maskedit-blenders"
    return Path(blenders) / f"tools-{major}{minor}"


def keep(path: Path) -> None:
    """A picture of the screen as the page shows it."""
    with Image.open(path) as picture:
        small = picture.convert("RGB")
        small = small.resize((WIDTH, round(small.height * WIDTH / small.width)), Image.Resampling.LANCZOS)
        # A palette is enough for a page and a third of the size.
        palette = small.quantize(256)
        small.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(
            FOLDER / f"blender-{path.name}", optimize=True
        )
    print(f"blender-{path.name}")


if __name__ == "__main__":
    main()
