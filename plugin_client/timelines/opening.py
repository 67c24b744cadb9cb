# SPDX-License-Identifier: GPL-3.0-or-later
"""A timeline of any format, known by what is in the file and not by its name alone."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from plugin_client.core.errors import BadInput
from plugin_client.timelines.fcp7 import open_fcp7
from plugin_client.timelines.fcpxml import open_fcpxml
from plugin_client.timelines.mlt import open_mlt
from plugin_client.timelines.otio import open_otio
from plugin_client.timelines.timeline import OpenTimeline

_OTHERS = {
    ".aaf": "export an .xml or .otio from the editor (Avid: AAF is not read here)",
    ".drp": "export the timeline from Resolve as .otio or .fcpxml",
    ".edl": "an EDL names no media: export an .xml, .fcpxml or .otio",
    ".otiod": "export the timeline as .otio",
    ".otioz": "export the timeline as .otio",
    ".prproj": "export the sequence from Premiere as Final Cut Pro XML",
}
_BUNDLE, _INSIDE = ".fcpxmld", "Info.fcpxml"


def open_timeline(path: Path, *, sequence: str = "") -> OpenTimeline:
    """Read `path`: `.otio`, `.fcpxml` (or the folder `.fcpxmld`), `.xml` (xmeml), `.mlt`, `.kdenlive`.

    `sequence` names one of several timelines in the file. Raises BadInput, with the alternative, for what it cannot
    read.
    """
    ending = path.suffix.lower()
    if ending in _OTHERS:
        raise BadInput(f"{path.name} cannot be read: {_OTHERS[ending]}.")
    if ending == _BUNDLE and path.is_dir():
        path /= _INSIDE
    if ending == ".otio":
        return open_otio(path, sequence=sequence)
    match _root_name(path):
        case "fcpxml":
            return open_fcpxml(path, sequence=sequence)
        case "xmeml":
            return open_fcp7(path, sequence=sequence)
        case "mlt":
            return open_mlt(path, sequence=sequence)
        case other:
            raise BadInput(
                f"{path.name} is no timeline that is read here ({other or 'no XML'}): export .otio, .fcpxml, .xml "
                "(Final Cut Pro 7), .mlt or .kdenlive."
            )


def _root_name(path: Path) -> str:
    """The name of an XML file's root, "" where it is none. Raises BadInput where it cannot be read."""
    try:
        with path.open("rb") as file:
            return next((element.tag for _, element in ElementTree.iterparse(file, events=("start",))), "")
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): check the path.") from error
    except (ElementTree.ParseError, UnicodeError, LookupError):
        return ""
