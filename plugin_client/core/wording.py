# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors and findings of core and server in the words of a host or panel: they name its controls, never options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from plugin_client.core.errors import ClientError, ServerUnreachable, TransferError, status_of

_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?: (?:(draft|fast|standard|best)\b|(\d+)-(\d+)))?")
_COMMAND = re.compile(r"[:,;(] ?[^:;()]*`[^`]*maskedit [^`]*`[^:;()]*\)?")
_REFUSED = "UNAUTHENTICATED"


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The words of one user interface.

    `controls`: options of `maskedit edit`, by their names, as the controls that do the same; `others`: where every
    other option is found. `settings`: where the access token is entered. `again`: how a result is fetched once more.
    `defect`: what is said of an error that nobody has thought of.
    """

    controls: Mapping[str, str]
    others: str
    settings: str
    again: str
    defect: str

    def in_words(self, error: BaseException) -> str:
        """One sentence for the user: what is wrong and what to do about it here."""
        status = status_of(error)
        if isinstance(error, ServerUnreachable) and status in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            return "The server does not answer: what was asked for is not done, try again when it is back."
        if isinstance(error, ServerUnreachable) and status == _REFUSED:
            return f"The server refused the access token: enter the server's own in {self.settings}."
        if isinstance(error, ServerUnreachable) and status == "UNIMPLEMENTED":
            return "The server is too old for this: update MaskEdit on the server's machine."
        if isinstance(error, TransferError) and isinstance(error.__cause__, OSError):
            why = error.__cause__.strerror or "the disk refused"
            return f"The result cannot be written ({why}): make room on the disk, then {self.again}."
        if isinstance(error, ClientError | ValueError | OSError) and str(error):
            return self.plain(str(error))
        return self.defect

    def plain(self, sentence: str) -> str:
        """`sentence` with options of the command line named as the controls that do the same, and without commands."""
        without = _COMMAND.sub("", sentence)
        if without != sentence:
            without = without.rstrip(" .,;:") + "."
        said = _OPTION.sub(self._control, without)
        # A sentence that began with a file's name still does.
        return said if said[:1] == sentence[:1] else said[:1].upper() + said[1:]

    def _control(self, option: re.Match[str]) -> str:
        name, preset, first, last = option.groups()
        if name == "preset" and preset:
            return f"the {preset.capitalize()} preset"
        if name == "frames" and first:
            return f"in and out at {first} and {last}"
        return self.controls.get(name, f"{name.replace('-', ' ').capitalize()} in {self.others}")
