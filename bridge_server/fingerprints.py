# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling that a clip is another one now, without reading all of it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from maskedit.errors import InputError
from maskedit.regular import open_regular
from maskedit.request import EditRequest, MediaReference

# The number of a sequence's pattern, as in shot.%04d.exr.
NUMBER = re.compile(r"%(?:0(\d{1,2}))?d")
_SAMPLE_BYTES = 65536


def quick_fingerprint(files: Iterable[Path], *, sequence: bool) -> str:
    """As MediaReference.quick_fingerprint in media.proto says. Raises OSError, NotRegularError for a pipe or device."""
    digests = [_quick_digest(file) for file in files]
    return hashlib.sha256(b"".join(digests)).hexdigest() if sequence else digests[0].hex()


def frames_of(pattern: Path) -> list[Path]:
    """The files of a sequence, by their numbers. Raises OSError."""
    number = NUMBER.search(pattern.name)
    assert number is not None, "no pattern"
    width = int(number[1] or 1)
    before, after = re.escape(pattern.name[: number.start()]), re.escape(pattern.name[number.end() :])
    numbered = re.compile(f"{before}(\\d{{{width},}}){after}")
    found = filter(None, map(numbered.fullmatch, os.listdir(pattern.parent)))
    return [pattern.with_name(name) for _, name in sorted((int(match[1]), match[0]) for match in found)]


def refuse_changed(request: EditRequest, *, inputs: Path) -> None:
    """Refuse to begin with media that were named at submission and are others by now, which nobody has agreed to.

    What was uploaded lies in `inputs`, and cannot change. Raises InputError.
    """

    def look(reference: MediaReference) -> MediaReference:
        named = [place for place in map(Path, reference.locations) if not place.is_relative_to(inputs)]
        wanted = reference.quick_fingerprint
        if wanted and any(_fingerprint_now(place) != wanted for place in named):
            name = reference.display_name or named[0].name
            raise InputError(f"{name} is not the file any more that the edit was made for: run the edit again.")
        return reference

    map_references(request, look)


def map_references(value: Any, change: Callable[[MediaReference], MediaReference]) -> Any:
    """`value` with every MediaReference in the tree changed."""
    if isinstance(value, MediaReference):
        return change(value)
    if isinstance(value, tuple):
        return tuple(map_references(part, change) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: map_references(getattr(value, field.name), change) for field in fields(value)}
        return replace(value, **parts)
    return value


def _fingerprint_now(place: Path) -> str:
    """Empty where there is no such file or sequence."""
    sequence = NUMBER.search(place.name) is not None
    try:
        return quick_fingerprint(frames_of(place) if sequence else [place], sequence=sequence)
    except OSError:
        return ""


def _quick_digest(path: Path) -> bytes:
    with open_regular(path) as file:
        facts = os.fstat(file.fileno())
        size = facts.st_size
        stamp = size.to_bytes(8, "little") + (facts.st_mtime_ns % 2**64).to_bytes(8, "little")
        digest = hashlib.sha256(b"maskedit-quick-1" + stamp)
        for start in (0, size // 2, max(0, size - _SAMPLE_BYTES)):
            file.seek(start)
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.digest()
