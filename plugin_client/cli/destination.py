# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a result shall go, checked before anything is uploaded or computed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from plugin_client.core.errors import BadInput
from plugin_client.core.media import files_of, is_sequence, number_in
from plugin_client.core.requests import FORMATS

_SEQUENCES = ("png", "exr")


def format_of(out: str, chosen: str = "") -> str:
    """The deliverable format that `--out` and `--format` together mean. Raises BadInput if they disagree."""
    suffix = Path(out).suffix.lower().removeprefix(".")
    if not chosen:
        if suffix not in FORMATS:
            raise BadInput(f"The format of {out!r} is not known: end it in .{', .'.join(FORMATS)}, or give --format.")
        chosen = suffix
    if suffix in FORMATS and suffix != chosen:
        raise BadInput(f"--out {out} and --format {chosen} disagree: change one of them.")
    if chosen in _SEQUENCES and suffix == chosen and not is_sequence(out):
        raise BadInput(
            f"A {chosen} result is a sequence: give --out as a folder, or numbered, for example shot.%04d.{chosen}."
        )
    return chosen


def check_out(out: str, format_name: str, *, sources: Iterable[str]) -> Path:
    """`out` as an absolute path that can be written and overwrites none of `sources`. Raises BadInput."""
    path = Path(out).expanduser().absolute()
    is_folder = format_name in _SEQUENCES and not is_sequence(out)
    holds = path if is_folder else path.parent
    source_files = [file.resolve() for source in sources for file in files_of(source)]
    if not is_folder and path.is_dir():
        raise BadInput(
            f"--out {out} is a folder: name a file in it, for example {out.rstrip('/')}/result.{format_name}."
        )
    if is_folder and path.exists() and not path.is_dir():
        raise BadInput(f"--out {out} is a file, but a {format_name} sequence needs a folder: choose another name.")
    if path.resolve() in source_files:
        raise BadInput(f"--out {out} would overwrite a source: choose another name.")
    beside = [file for file in source_files if file.parent == holds.resolve()]
    if is_folder and beside:
        raise BadInput(f"--out {out} would mix the result with its sources: choose another folder.")
    if any(number_in(file.name, path.name) is not None for file in beside):
        raise BadInput(f"--out {out} would overwrite a source: choose another name.")
    existing = holds if holds.exists() or not is_folder else holds.parent
    if not existing.is_dir():
        raise BadInput(f"The folder of --out {out} does not exist: make {existing} first.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise BadInput(f"The folder {existing} may not be written to: choose another --out.")
    return path
