# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a result shall go, checked before anything is uploaded or computed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from plugin_client.core.errors import BadInput
from plugin_client.core.media import files_of, is_sequence, number_in
from plugin_client.core.requests import FORMATS, Wanted
from plugin_client.core.results import beside

SEQUENCES = ("png", "exr")
# The formats whose files do not end as they are called.
_ENDINGS = {"v210": "mov", "cache": "mefc"}
_SUFFIXES = {_ENDINGS.get(name, name): name for name in FORMATS if name != "v210"}
# What the hosts that a comp is for read, with alpha.
READ_BY_HOSTS = ("mov", "png", "exr")


def suffix_of(format_name: str) -> str:
    """How the files of a deliverable format end, without the dot."""
    return _ENDINGS.get(format_name, format_name)


def format_of(out: str, chosen: str = "") -> str:
    """The deliverable format that `--out` and `--format` together mean. Raises BadInput if they disagree."""
    suffix = Path(out).suffix.lower().removeprefix(".")
    if not chosen:
        if suffix not in _SUFFIXES:
            raise BadInput(f"The format of {out!r} is not known: end it in .{', .'.join(_SUFFIXES)}, or give --format.")
        chosen = _SUFFIXES[suffix]
    if suffix in _SUFFIXES and suffix != suffix_of(chosen):
        raise BadInput(f"--out {out} and --format {chosen} disagree: change one of them.")
    if chosen in SEQUENCES and suffix == chosen and not is_sequence(out):
        raise BadInput(
            f"A {chosen} result is a sequence: give --out as a folder, or numbered, for example shot.%04d.{chosen}."
        )
    return chosen


def deliverables_of(out: str, kinds: Sequence[str], formats: Sequence[str], *, comp_of: str = "") -> tuple[Wanted, ...]:
    """What `--deliver` and `--format`, each given any number of times, together with `--out` ask for.

    One format, or the ending of `out`, serves all kinds; several stand for the kinds in their order. A fill brings its
    matte along. `comp_of`: the clip for whose comp a patch and a matte are wanted too. Raises BadInput.
    """
    asked = [*kinds] or ["full"]
    chosen = [format_of(out, formats[0] if formats else ""), *formats[1:]]
    if len(chosen) not in (1, len(asked)):
        raise BadInput(
            f"{len(formats)} formats do not fit {len(asked)} deliverables: give --format once, or once for each "
            "--deliver in the same order."
        )
    wanted = [Wanted(*each) for each in zip(asked, chosen if len(chosen) > 1 else chosen * len(asked), strict=True)]
    if any(each.format == "cache" and each.kind != "patch" for each in wanted):
        raise BadInput("A frame cache holds a patch and nothing else: add --deliver patch, or choose another --format.")
    if comp_of:
        shown = next((each for each in wanted if each.kind in ("patch", "fill")), None)
        if shown is None:
            shown = Wanted("patch", "exr" if comp_of.lower().endswith(".exr") else "mov")
            wanted.append(shown)
        if shown.format not in READ_BY_HOSTS:
            raise BadInput(f"A comp cannot read a {shown.kind} in {shown.format}: ask for {', '.join(READ_BY_HOSTS)}.")
        if not any(each.kind == "matte" and each.format in READ_BY_HOSTS for each in wanted):
            wanted.append(Wanted("matte", shown.format))
    fill = next((each for each in wanted if each.kind == "fill"), None)
    if fill is not None and not any(each.kind == "matte" for each in wanted):
        wanted.append(Wanted("matte", fill.format))
    if len({*wanted}) < len(wanted):
        raise BadInput("Two deliverables are of the same kind and format: ask for each once.")
    return tuple(wanted)


def check_beside(out: Path, wanted: Sequence[Wanted], *, sources: Iterable[str]) -> None:
    """Raise BadInput if one of the deliverables after the first, which land beside `out`, would overwrite a source."""
    for each in wanted[1:]:
        ending = f"-{each.kind}" + ("" if each.format in SEQUENCES else f".{suffix_of(each.format)}")
        check_out(str(beside(out, ending)), each.format, sources=sources)


def check_out(out: str, format_name: str, *, sources: Iterable[str]) -> Path:
    """`out` as an absolute path that can be written and overwrites none of `sources`. Raises BadInput."""
    path = Path(out).expanduser().absolute()
    is_folder = format_name in SEQUENCES and not is_sequence(out)
    holds = path if is_folder else path.parent
    source_files = [file.resolve() for source in sources for file in files_of(source)]
    if not is_folder and path.is_dir():
        example = f"{out.rstrip('/')}/result.{suffix_of(format_name)}"
        raise BadInput(f"--out {out} is a folder: name a file in it, for example {example}.")
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
