# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the Blender add-on: `./run exec python packaging/build_blender.py [--platform linux-x64 …] [--out dist/]`.

One extension zip per platform for Blender 4.2 and newer, with the client and its libraries as wheels for every Python
that those Blenders have; for Linux also a zip for older Blenders with Python 3.11. The same tree, the same bytes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGING = ROOT / "packaging"
# Which wheels each of Blender's platforms can load: the oldest systems that Blender 4.2 runs on.
PLATFORMS = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_11_0_arm64",),
    "macos-x64": ("macosx_11_0_x86_64",),
}
# The Pythons of Blender 4.2 to 5.1, and of 5.2 and those that distributions build.
PYTHONS = ("3.11", "3.13")
LEGACY_PLATFORM = "linux-x64"
# What the client wheel requires, and what that requires in turn.
BUNDLED = ("grpcio", "protobuf", "typing_extensions")
# Fixed, so that equal contents make equal zips.
DATE = (2020, 2, 2, 0, 0, 0)

Entries = dict[str, bytes]


def project_version() -> str:
    """The version of the main pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def build_client_wheel(folder: Path) -> Path:
    """Build the slim `maskedit_client` wheel of this tree into `folder`.

    Raises SystemExit where the protos are not compiled or the build fails.
    """
    if not (ROOT / "bridge_api" / "v1").is_dir():
        raise SystemExit("The protos are not compiled: build with `./run exec python packaging/build_blender.py`.")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder.absolute())]
    fixed = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    _ask(command, "The client wheel cannot be built", cwd=PACKAGING / "client", env=fixed)
    return next(folder.glob("maskedit_client-*.whl"))


def fetch_wheels(platform: str, folder: Path) -> list[Path]:
    """Download the bundled libraries for one of PLATFORMS and all PYTHONS into `folder`, pinned, wheels only.

    Raises SystemExit where one cannot be had.
    """
    tags = [part for tag in PLATFORMS[platform] for part in ("--platform", tag)]
    for python in PYTHONS:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, *tags]
        command += ["--constraint", str(PACKAGING / "constraints.txt"), "--dest", str(folder), *BUNDLED]
        _ask(command, f"The wheels for {platform} with Python {python} cannot be fetched")
    return sorted(folder.glob("*.whl"))


def build_extension(platform: str, wheels: list[Path], out: Path) -> Path:
    """Write `maskedit-blender-VERSION-PLATFORM.zip` for Blender 4.2 and newer into `out`."""
    manifest = (PACKAGING / "blender" / "blender_manifest.toml").read_text()
    names = "".join(f'  "./wheels/{wheel.name}",\n' for wheel in sorted(wheels))
    manifest = _filled(manifest, 'version = "0.0.0"', f'version = "{project_version()}"')
    manifest = _filled(manifest, "platforms = []", f'platforms = ["{platform}"]')
    manifest = _filled(manifest, "wheels = []", f"wheels = [\n{names}]")
    entries = {
        "blender_manifest.toml": manifest.encode(),
        "__init__.py": (PACKAGING / "blender" / "extension.py").read_bytes(),
        **_licences(),
        **{f"wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels},
    }
    return _write_zip(out / f"maskedit-blender-{project_version()}-{platform}.zip", entries)


def build_legacy(wheels: list[Path], out: Path) -> Path:
    """Write `maskedit-blender-legacy-VERSION-linux-x64.zip` into `out`, unpacked those of `wheels` that fit."""
    start = (PACKAGING / "blender" / "legacy.py").read_text()
    start = _filled(start, '"version": (0, 0, 0)', f'"version": ({project_version().replace(".", ", ")})')
    entries = {
        "__init__.py": start.encode(),
        "extension.py": (PACKAGING / "blender" / "extension.py").read_bytes(),
        **_licences(),
    }
    for wheel in wheels:
        if "-cp313-" not in wheel.name:
            with zipfile.ZipFile(wheel) as packed:
                entries |= {f"libraries/{name}": packed.read(name) for name in packed.namelist() if name[-1] != "/"}
    name = f"maskedit-blender-legacy-{project_version()}-{LEGACY_PLATFORM}.zip"
    # Not `maskedit`: a distribution's Blender may well see the server's package of that name first.
    return _write_zip(out / name, {f"maskedit_blender/{name}": content for name, content in entries.items()})


def build(platforms: Iterable[str], out: Path) -> Iterator[Path]:
    """Build every zip for `platforms`, of PLATFORMS, into `out`, which is made where it is missing."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        client = build_client_wheel(Path(scratch) / "client")
        for platform in platforms:
            wheels = [client, *fetch_wheels(platform, Path(scratch) / platform)]
            yield build_extension(platform, wheels, out)
            if platform == LEGACY_PLATFORM:
                yield build_legacy(wheels, out)


def _licences() -> Entries:
    return {name: (ROOT / name).read_bytes() for name in ("LICENSE", "NOTICE")}


def _filled(text: str, blank: str, value: str) -> str:
    if text.count(blank) != 1:
        raise SystemExit(f"The template has no single line {blank!r}: mend packaging/blender.")
    return text.replace(blank, value)


def _write_zip(path: Path, entries: Entries) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name, content in sorted(entries.items()):
            info = zipfile.ZipInfo(name, DATE)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            # A wheel is compressed already.
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return path


def _ask(command: list[str], trouble: str, **options) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, **options)
    if ran.returncode:
        said = (ran.stderr.strip() or ran.stdout.strip() or "no reason given").splitlines()[-1]
        raise SystemExit(f"{trouble}: {said}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Builds the Blender add-on.")
    parser.add_argument("--platform", nargs="+", choices=PLATFORMS, default=[*PLATFORMS], help="default: all of them")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder for the zips; default: dist/")
    options = parser.parse_args()
    for path in build(options.platform, options.out):
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
