# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors and findings of core and server in the panel's words: they name its controls, never options (no Qt)."""

from __future__ import annotations

import re

from plugin_client.core.errors import ClientError, ServerUnreachable, TransferError, status_of

_CONTROLS = {
    "adapter": "the adapter in Advanced settings",
    "colour": "Source colour in Advanced settings",
    "fit-keyframes": "Fit keyframes to the clip in Advanced settings",
    "frames": "the in and out points",
    "keyframe": "a keyframe",
    "keyframes-as-given": "Keyframes as given in Advanced settings",
    "matte": "a matte",
    "model": "another Model",
    "out": "another place",
    "take-changes": "Take changes outside the matte in Advanced settings",
}
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?: (?:(draft|fast|standard|best)\b|(\d+)-(\d+)))?")
_COMMAND = re.compile(r"[:,;(] ?[^:;()]*`[^`]*maskedit [^`]*`[^:;()]*\)?")
_REFUSED = "UNAUTHENTICATED"


def in_words(error: BaseException) -> str:
    """One sentence for the user: what is wrong and what to do about it here."""
    status = status_of(error)
    if isinstance(error, ServerUnreachable) and status in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
        return "The server does not answer: what was asked for is not done, try again when it is back."
    if isinstance(error, ServerUnreachable) and status == _REFUSED:
        return "The server refused the access token: enter the server's own in the settings."
    if isinstance(error, ServerUnreachable) and status == "UNIMPLEMENTED":
        return "The server is too old for this: update MaskEdit on the server's machine."
    if isinstance(error, TransferError) and isinstance(error.__cause__, OSError):
        why = error.__cause__.strerror or "the disk refused"
        return f"The result cannot be written ({why}): make room on the disk, then choose Fetch again on the take."
    if isinstance(error, ClientError | ValueError | OSError) and str(error):
        return plain(str(error))
    return "Something went wrong inside the panel: Help › Collect diagnostics gathers what is known about it."


def plain(sentence: str) -> str:
    """`sentence` with options of the command line named as the controls that do the same, and without commands."""
    without = _COMMAND.sub("", sentence)
    if without != sentence:
        without = without.rstrip(" .,;:") + "."
    said = _OPTION.sub(_control, without)
    # A sentence that began with a file's name still does.
    return said if said[:1] == sentence[:1] else said[:1].upper() + said[1:]


def _control(option: re.Match[str]) -> str:
    name, preset, first, last = option.groups()
    if name == "preset" and preset:
        return f"the {preset.capitalize()} preset"
    if name == "frames" and first:
        return f"in and out at {first} and {last}"
    return _CONTROLS.get(name, f"{name.replace('-', ' ').capitalize()} in Advanced settings")
