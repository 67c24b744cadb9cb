# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the OpenFX plugin for this machine: `./run exec python packaging/build_ofx.py [--out dist/]`.

Leaves `MaskEdit.ofx.bundle`, which `maskedit ofx install` takes from dist/. A C++17 compiler and CMake do the work.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "packaging" / "ofx"
BUNDLE = "MaskEdit.ofx.bundle"


def configure_and_build(folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
    """Build packaging/ofx into `folder`; `options` go to CMake. Raises SystemExit, one sentence, where it cannot be."""
    if shutil.which("cmake") is None:
        raise SystemExit("CMake is missing: install it (on Debian or Ubuntu: apt-get install cmake g++ make).")
    given = {**os.environ, **(environment or {})}
    _ask(["cmake", "-S", str(SOURCE), "-B", str(folder), *options], "The build cannot be set up", given)
    _ask(["cmake", "--build", str(folder), "--config", "Release"], "The plugin cannot be built", given)


def build(out: Path) -> Path:
    """Build the bundle and put it into `out`, in place of an older one. Returns its path. Raises SystemExit."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        configure_and_build(Path(scratch))
        target = out / BUNDLE
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(scratch) / BUNDLE, target)
    return target


def _ask(command: list[str], trouble: str, environment: dict[str, str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ran.returncode == 0:
        return
    said = ran.stdout + ran.stderr
    if "CMAKE_CXX_COMPILER" in said:
        raise SystemExit("A C++ compiler is missing: install one (on Debian or Ubuntu: apt-get install g++ make).")
    raise SystemExit(f"{said}\n{trouble}: see above.")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Builds the OpenFX plugin for this machine.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder for the bundle; default: dist/")
    path = build(parser.parse_args().out)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    print(f"{path} ({size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
