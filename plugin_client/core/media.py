# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the client's side: image sequences, and the reference by which a server knows a file again."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from plugin_client.core.errors import BadInput

if TYPE_CHECKING:
    from bridge_api.v1 import media_pb2

_NUMBER_FIELD = re.compile(r"%(?:0(\d{1,2}))?d")
_SAMPLE_BYTES = 65536


def is_sequence(path: str) -> bool:
    """True for an image sequence pattern such as `shot.%04d.exr`."""
    return len(_NUMBER_FIELD.findall(os.path.basename(path))) == 1


def numbered(path: Path, number: int) -> Path:
    """The file of picture `number`: `shot.%04d.exr`, 7 → `shot.0007.exr`."""
    return path.with_name(_NUMBER_FIELD.sub(lambda field: f"{number:0{field[1] or 1}d}", path.name))


def number_in(name: str, pattern: str) -> int | None:
    """The number of the file `name` in the sequence of that name `pattern`, None if it is not one of its files."""
    field = _NUMBER_FIELD.search(pattern)
    if field is None:
        return None
    before, after = re.escape(pattern[: field.start()]), re.escape(pattern[field.end() :])
    match = re.fullmatch(rf"{before}(\d{{{field[1] or 1},}}){after}", name)
    return None if match is None else int(match[1])


def without_number(name: str) -> str:
    """A sequence's file name without its number field and the mark before it: `shot.%04d.exr` → `shot.exr`."""
    return re.sub(rf"[._-]?{_NUMBER_FIELD.pattern}", "", name)


def sequence_files(pattern: str) -> dict[int, Path]:
    """The files of an image sequence by their numbers, in order.

    Raises BadInput if there are none or a number is missing in between.
    """
    folder, name = os.path.split(pattern)
    try:
        names = os.listdir(folder or ".")
    except OSError as error:
        raise BadInput(f"The folder of {pattern} cannot be read ({error.strerror}): check the path.") from error
    numbers = ((number_in(entry, name), Path(folder) / entry) for entry in names)
    files = dict(sorted((number, path) for number, path in numbers if number is not None))
    if not files:
        raise BadInput(f"No file fits {pattern}: check the folder, the name and the number of digits.")
    first, last = min(files), max(files)
    missing = next((number for number in range(first, last + 1) if number not in files), None)
    if missing is not None:
        raise BadInput(f"The sequence {pattern} lacks number {missing}: complete it, or cut it into two.")
    return files


def files_of(path: str) -> tuple[Path, ...]:
    """The files behind `path`, a file or a sequence pattern, in order. Raises BadInput if it cannot be read."""
    if is_sequence(path):
        return tuple(sequence_files(path).values())
    file = Path(path)
    if not file.exists():
        raise BadInput(f"There is no file {path}: check the path.")
    if not file.is_file():
        raise BadInput(f"{path} is not a file: give a file, or an image sequence as NAME.%04d.png.")
    if not os.access(file, os.R_OK):
        raise BadInput(f"{path} may not be read by you: change its permissions.")
    return (file,)


def reference(path: str) -> media_pb2.MediaReference:
    """The reference to a file or sequence by which the server recognises it: absolute path, size, fingerprint.

    Nothing is hashed whole. Raises BadInput if the file is missing or cannot be read.
    """
    # Here and not above: a host application that only wants to know its files cannot wait for protobuf.
    from bridge_api.v1 import media_pb2

    files = files_of(path)
    try:
        digests = [_quick_digest(file) for file in files]
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): check the disk and its permissions.") from error
    quick = digests[0] if len(digests) == 1 and not is_sequence(path) else hashlib.sha256(b"".join(digests)).digest()
    return media_pb2.MediaReference(
        locations=[os.path.abspath(path)],
        display_name=os.path.basename(path),
        size_bytes=sum(file.stat().st_size for file in files),
        quick_fingerprint=quick.hex(),
        first_number=min(sequence_files(path)) if is_sequence(path) else 0,
    )


def full_hash(path: Path) -> str:
    """SHA-256 hex of the whole file, read once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _quick_digest(path: Path) -> bytes:
    """`MediaReference.quick_fingerprint` of one file, as raw bytes (the rule is written in media.proto)."""
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        digest = hashlib.sha256(b"maskedit-quick-1")
        digest.update(facts.st_size.to_bytes(8, "little"))
        digest.update((facts.st_mtime_ns % 2**64).to_bytes(8, "little"))
        for start in (0, facts.st_size // 2, max(0, facts.st_size - _SAMPLE_BYTES)):
            file.seek(start)
            digest.update(file.read(_SAMPLE_BYTES))
        return digest.digest()
