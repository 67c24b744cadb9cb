# SPDX-License-Identifier: GPL-3.0-or-later
"""Which view a clip gets: what its user says, else what its tags say, else a guess that is told."""

from __future__ import annotations

from functools import lru_cache

from maskedit.colour.ocio import user_space
from maskedit.colour.spaces import DISPLAY, NAMES, SCENES
from maskedit.colour.view import View
from maskedit.errors import InputError
from maskedit.request import MediaFacts, Origin, WorkingColour

_OCIO = "ocio:"
_RANGES = {"legal": "tv", "full": "pc"}
_SCREEN = {"bt709", "bt470m", "bt470bg", "smpte170m", "smpte240m", "iec61966-2-4", "bt1361e", "bt2020-10", "bt2020-12"}
_BY_TRANSFER = {**dict.fromkeys(_SCREEN, "rec709"), "iec61966-2-1": "srgb", "smpte2084": "pq", "arib-std-b67": "hlg"}
_LINEAR_BY_PRIMARIES = {
    "bt709": "linear", "bt2020": "linear-rec2020", "smpte432": "linear-p3", "ap1": "acescg", "ap0": "aces2065-1",
}  # fmt: skip


@lru_cache(maxsize=16)
def view_of(facts: MediaFacts, working_colour: WorkingColour) -> View:
    """The view of the clip with the probe `facts`.

    `working_colour.name`: "" = from the tags; one of `spaces.NAMES`, or `ocio:SPACE`, a space of the OpenColorIO config
    in $OCIO or of those built in; `:full` or `:legal` behind it overrules a YUV clip's range.
    Raises InputError, one sentence, for what is not known, and for tags that do not say enough.
    """
    if working_colour.name:
        return _chosen(working_colour.name, facts)
    name = _tagged(facts)
    guessed = facts.transfer.origin is Origin.GUESSED
    if facts.transfer.name == "linear":
        guessed = facts.primaries.origin is Origin.GUESSED
    return _view(name, facts, origin=Origin.GUESSED if guessed else Origin.TAGGED)


def _chosen(asked: str, facts: MediaFacts) -> View:
    # An OpenColorIO space's name may hold a colon of its own.
    name, colon, ending = asked.rpartition(":")
    code_range = ""
    if colon and ending.lower() in _RANGES and name:
        asked, code_range = name, _RANGES[ending.lower()]
    return _view(asked, facts, origin=Origin.USER, code_range=code_range)


def _tagged(facts: MediaFacts) -> str:
    transfer, primaries = facts.transfer.name, facts.primaries.name
    name = _LINEAR_BY_PRIMARIES.get(primaries) if transfer == "linear" else _BY_TRANSFER.get(transfer)
    if name is None:
        raise InputError(
            f"The clip's tags name the colours {primaries} with the curve {transfer}, which MaskEdit cannot read: say "
            f"with --colour what they are ({', '.join(NAMES)}, or ocio:SPACE)."
        )
    return name


def _view(name: str, facts: MediaFacts, *, origin: Origin, code_range: str = "") -> View:
    if name.startswith(_OCIO):
        scene = user_space(name.removeprefix(_OCIO))
        words = name.removeprefix(_OCIO) if scene is None else scene.words
    elif name.lower() in DISPLAY:
        name = name.lower()
        scene, words = None, DISPLAY[name]
    elif name.lower() in SCENES:
        name = name.lower()
        scene = SCENES[name]
        words = scene.words
    else:
        raise InputError(
            f"The colour {name!r} is not known: choose one of {', '.join(NAMES)}, or ocio:SPACE for a space of your "
            "OpenColorIO config."
        )
    return View(
        name=name,
        words=words,
        origin=origin,
        scene=scene,
        code_range=code_range,
        pixel_format=facts.pixel_format,
    )
