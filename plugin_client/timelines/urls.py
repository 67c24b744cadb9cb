# SPDX-License-Identifier: GPL-3.0-or-later
"""Media as timelines name them, URLs and paths of any system, as paths of this machine; and back (RFC 8089)."""

from __future__ import annotations

import os
import re
from pathlib import Path, PureWindowsPath
from urllib.parse import quote, unquote

from plugin_client.core.errors import BadInput
from plugin_client.core.media import files_of, is_sequence

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_FILE = re.compile(r"file:(?://(?P<host>[^/\\]*))?(?P<path>.*)", re.IGNORECASE | re.DOTALL)
_DRIVE = re.compile(r"/?([A-Za-z]:[/\\].*)", re.DOTALL)
# %04 would be a control character, which no file name holds: it can only be the number field of a sequence.
_NUMBER_FIELD = re.compile(r"(%0\d{1,2}d|%d(?![0-9A-Fa-f]))")
_SPANNED = re.compile(r"\[(\d+)-\d+\](?=\.\w+$)")
_HASHES = re.compile(r"#+(?=\.\w+$)")


def media_path(named: str, base: Path) -> str:
    """The absolute path that a URL or path in a timeline means, "" where it is no file (http and the like).

    `base`: the timeline's own folder, from which relative ones count. Another system's paths (a drive letter, a
    server's share) stay what they are, with slashes, and are simply not there on this one. A sequence written as
    `shot.[0001-0100].exr` or `shot.####.exr` becomes the pattern `shot.%04d.exr`.
    """
    if not named:
        return ""
    url = _FILE.fullmatch(named)
    if url is not None:
        host, encoded = url["host"] or "", url["path"]
        path = _decoded(encoded)
        if _DRIVE.fullmatch(f"{host}{path}"):  # file://C:/…, as some write
            path, host = f"{host}{path}", ""
        if host.lower() not in ("", "localhost") and not re.fullmatch(r"[A-Za-z]:", host):
            path = f"//{host}{path}"
    elif (scheme := _SCHEME.match(named)) is not None and len(scheme[1]) > 1:
        return ""
    else:
        path = named if _is_there(_placed(named, base)) else _decoded(named)
    return _placed(path, base)


def media_url(path: str) -> str:
    """`path`, absolute, as a file URL; a pattern's number field is encoded like any other percent sign."""
    if _is_foreign(path):
        return PureWindowsPath(path).as_uri()
    return "file://" + quote(os.path.abspath(path).replace(os.sep, "/"), safe="/:" if os.name == "nt" else "/")


def pattern_parts(name: str) -> tuple[str, int, str]:
    """A pattern's name around its number field, with the digits of that: `shot.%04d.exr` → `shot.`, 4, `.exr`."""
    before, field, after = _NUMBER_FIELD.split(name, maxsplit=1)
    return before, int(field[1:-1] or 1), after


def is_missing(media: str) -> bool:
    """True where a file or sequence, as `media_path` names it, cannot be read here."""
    try:
        files_of(media)
    except BadInput:
        return True
    return False


def _decoded(text: str) -> str:
    """Percent-decoded, the number field of a sequence left as it is."""
    return "".join(part if _NUMBER_FIELD.fullmatch(part) else unquote(part) for part in _NUMBER_FIELD.split(text))


def _placed(path: str, base: Path) -> str:
    drive = _DRIVE.fullmatch(path)
    if drive is not None:
        return _pattern(drive[1].replace("\\", "/"))
    if path.startswith(("\\\\", "//")):
        return _pattern("//" + path.replace("\\", "/").lstrip("/"))
    return _pattern(os.path.normpath(os.path.join(base.absolute(), path)))


def _is_foreign(path: str) -> bool:
    return os.name != "nt" and (_DRIVE.fullmatch(path) is not None or path.startswith("//"))


def _is_there(path: str) -> bool:
    return not is_missing(path) if is_sequence(path) else os.path.exists(path)


def _pattern(path: str) -> str:
    """`path` with a sequence's number field in the one way that core reads."""
    spanned = _SPANNED.search(path)
    if spanned is not None:
        return f"{path[: spanned.start()]}%0{len(spanned[1])}d{path[spanned.end() :]}"
    hashes = _HASHES.search(path)
    if hashes is not None and not os.path.exists(path):
        return f"{path[: hashes.start()]}%0{len(hashes[0])}d{path[hashes.end() :]}"
    return path
