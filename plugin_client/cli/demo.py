# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit demo`: the main job on the example that ships, through a real server and worker."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.edit import describe, edit
from plugin_client.cli.following import summary
from plugin_client.cli.local_verbs import run_module
from plugin_client.cli.parsing import add_server_options, add_setting_option, connect_from, settings_from
from plugin_client.core.errors import BadInput
from plugin_client.core.progress import duration_words
from plugin_client.core.requests import PRESETS, EditOptions, MatteFile, Picture, build_edit


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser("demo", help="edit the example clip with the bundled model")
    parser.add_argument("--out", default="demo", metavar="DIR", help="where the files go (default: demo)")
    parser.add_argument("--preset", choices=PRESETS, default="standard")
    add_setting_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, words on stderr")
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Copy the example, edit it, measure and picture the result, say where to look."""
    console = console_for(as_json=options.json)
    began = time.monotonic()
    out = _folder(options.out)
    roto = _example_file("roto.json")
    source = Path(shutil.copy(_example_file("source.mp4"), out))
    keyframe = Path(shutil.copy(_example_file("keyframe.png"), out))
    matte, result, scorecard = out / "matte.mkv", out / "result.mkv", out / "scorecard.json"
    drawn = ("--source", source, "--matte", roto)
    run_module("maskedit.demo", "matte", *drawn, "--out", matte)
    edit_options = EditOptions(
        clip=str(source),
        mattes=(MatteFile(path=str(roto)),),
        keyframes=(Picture(frame=0, path=str(keyframe)),),
        preset=options.preset,
        settings=settings_from(options),
        name="demo",
    )
    with connect_from(options) as connection:
        job = edit(connection, build_edit(edit_options), result, console=console)
    run_module(
        "maskedit.demo", "compare", *drawn, "--result", result, "--keyframe", keyframe, "--out", out / "compare.png"
    )
    with TemporaryDirectory(dir=out) as scratch:
        truth = Path(scratch) / "truth.mkv"
        run_module("maskedit.demo", "truth", *drawn, "--out", truth)
        scores = run_module("maskedit.scorecard", *drawn, "--result", result, "--truth", truth, "--json")
    scorecard.write_text(scores, encoding="utf-8")
    if options.json:
        print_json(summary(job, out=result) | {"scorecard": json.loads(scores)})
        return 0
    describe(job, result, console=console)
    console.print(_score_words(json.loads(scores)["scores"]))
    console.print(f"All in {duration_words(time.monotonic() - began)}. Look at:")
    for path in (out / "compare.png", result, source, matte, keyframe, scorecard):
        console.print(f"  {path}")
    return 0


def _score_words(scores: dict[str, Any]) -> str:
    """How close to a perfect edit the region is, beside what doing nothing would score."""
    names = {"result": "this edit", "frozen": "the keyframe held still", "source": "the unedited clip"}
    values = ", ".join(f"{words} {scores[f'{name}_psnr']:.1f} dB" for name, words in names.items())
    return f"Closeness to a perfect edit inside the region: {values}"


def _folder(given: str) -> Path:
    out = Path(given).expanduser().absolute()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"The folder {out} cannot be made ({error.strerror}): choose another --out.") from error
    return out


def _example_file(name: str) -> Path:
    """A file of the example, found without importing the package that holds it."""
    spec = find_spec("maskedit")
    for place in spec.submodule_search_locations or () if spec is not None else ():
        path = Path(place) / "demo" / name
        if path.is_file():
            return path
    raise BadInput(f"The example's {name} is not installed: install maskedit[server].")
