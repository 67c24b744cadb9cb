# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a client calls a file to a path that a worker may open.

By reference: a path on this machine, under an allowed root after symlinks, whose size and fingerprint are those that
the client saw. Otherwise: assets from the store, linked under names made here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from bridge_server.assets import AssetStore
from bridge_server.fingerprints import NUMBER, frames_of, map_references, quick_fingerprint
from maskedit.errors import InputError
from maskedit.regular import NotRegularError
from maskedit.request import EditRequest, MediaReference

_UNSAFE = re.compile(r"[^\w .()+-]")
_HIDDEN = re.compile(r"^[. ]+")
_LONGEST_NAME = 50


class Availability(StrEnum):
    READABLE = "readable"
    STORED = "stored"
    UPLOAD_NEEDED = "upload_needed"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the server can do with a reference. `location`: where it reads it, if READABLE; `reason`: why it is not."""

    availability: Availability
    location: str = ""
    missing: tuple[str, ...] = ()
    reason: str = ""


class References:
    """`roots`: folders from which files may be named; `private`: the data folder, from which none may be."""

    def __init__(self, assets: AssetStore, *, roots: Sequence[Path], private: Path) -> None:
        self._assets = assets
        self._roots = tuple(root.resolve() for root in roots)
        self._private = private.resolve()

    def find(self, reference: MediaReference, *, same_machine: bool) -> Found:
        """Blocks on the disk: call it from a thread. Raises InputError for a malformed asset id."""
        reason = "The server is on another machine."
        for location in reference.locations if same_machine else ():
            try:
                return Found(availability=Availability.READABLE, location=self._read(location, reference))
            except (_RefusedError, OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
                reason = str(error) if isinstance(error, _RefusedError) else "The server cannot open it."
        missing = tuple(asset_id for asset_id in reference.asset_ids if not self._assets.has(asset_id))
        if reference.asset_ids and not missing:
            return Found(availability=Availability.STORED, reason=reason)
        return Found(availability=Availability.UPLOAD_NEEDED, missing=missing, reason=reason)

    def resolve(self, request: EditRequest, folder: Path, *, same_machine: bool) -> EditRequest:
        """The request with each reference's `locations` being what a worker may open; assets get links in `folder`.

        Raises InputError for what is neither readable nor stored.
        """
        count = 0

        def resolve_one(reference: MediaReference) -> MediaReference:
            nonlocal count
            count += 1
            found = self.find(reference, same_machine=same_machine)
            if found.availability is Availability.READABLE:
                return replace(reference, locations=(found.location,))
            if found.availability is Availability.STORED:
                return replace(reference, locations=(str(self._link(reference, folder / str(count))),))
            name = reference.display_name or next(iter(reference.locations), "A file")
            raise InputError(f"{name} has to be uploaded first: {found.reason[0].lower()}{found.reason[1:]}")

        return map_references(request, resolve_one)

    def _read(self, location: str, reference: MediaReference) -> str:
        path = Path(location)
        if not path.is_absolute():
            raise _RefusedError("Its path is not absolute.")
        sequence = NUMBER.search(path.name) is not None
        # Its folder first, before anything is said of what it holds.
        (place,) = self._allowed([path.parent if sequence else path])
        if sequence:
            place = place / path.name
        files = self._allowed(frames_of(place)) if sequence else [place]
        if not files:
            raise _RefusedError("The server sees no file of that sequence.")
        try:
            fingerprint = quick_fingerprint(files, sequence=sequence)
        except NotRegularError as error:
            raise _RefusedError("It is not a regular file.") from error
        if fingerprint != reference.quick_fingerprint:
            raise _RefusedError("The server sees another file at that path.")
        str(place).encode()  # ValueError for a link into a folder that no message can name
        return str(place)

    def _allowed(self, paths: Iterable[Path]) -> list[Path]:
        """The paths without their links. What lies elsewhere is refused in the same words, be it there or not."""
        places = [path.resolve() for path in paths]
        inside = all(any(place.is_relative_to(root) for root in self._roots) for place in places)
        if not inside or any(self._is_private(folder) for folder in {place.parent for place in places}):
            raise _RefusedError("It lies outside the server's media folders (setting media-roots).")
        return places

    def _is_private(self, folder: Path) -> bool:
        """Whether it is the data folder or lies in it: by what folders are, for one may have several spellings where
        case does not count, and several places where it is mounted twice."""
        private = self._private.stat()
        for each in (folder, *folder.parents):
            with suppress(OSError):
                if os.path.samestat(each.stat(), private):
                    return True
        return False

    def _link(self, reference: MediaReference, folder: Path) -> Path:
        """Link the assets under names as near to the client's as is safe, numbered where they are a sequence."""
        name = re.split(r"[/\\]", reference.display_name)[-1]
        number = NUMBER.search(name)
        if number is None and len(reference.asset_ids) == 1:
            location = folder / (_safe(name) or "file")
            self._assets.link(reference.asset_ids[0], location)
            return location
        before, after = (name[: number.start()], name[number.end() :]) if number else ("frame.", Path(name).suffix)
        before, after = _safe(before), _UNSAFE.sub("_", after)[-_LONGEST_NAME:]
        for index, asset_id in enumerate(reference.asset_ids, start=reference.first_number):
            self._assets.link(asset_id, folder / f"{before}{index:07d}{after}")
        return folder / f"{before}%07d{after}"


def in_clients_words(sentence: str, inputs: Path) -> str:
    """`sentence` without the folders that `resolve` has put uploaded files into, which mean nothing to clients."""
    return re.sub(rf"{re.escape(str(inputs))}/\d+/", "", sentence)


def _safe(name: str) -> str:
    return _HIDDEN.sub("_", _UNSAFE.sub("_", name))[-_LONGEST_NAME:]


class _RefusedError(Exception):
    """Why a location is not read by reference."""
