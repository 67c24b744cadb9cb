# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as an MLT producer, and as the one clip of a playlist."""

from __future__ import annotations

import json
import math
import os
import re
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.core.media import is_sequence
from plugin_client.timelines.marks import KEY, marks_as_json, track_name
from plugin_client.timelines.mlt_building import Builder, element
from plugin_client.timelines.mlt_media import properties_of
from plugin_client.timelines.mlt_project import Dialect, MltProject
from plugin_client.timelines.mlt_services import MltEntry
from plugin_client.timelines.mlt_times import Fit
from plugin_client.timelines.mlt_tracks import needs_alpha_filter
from plugin_client.timelines.timeline import Take

_KEYFRAMED = re.compile(r"\s*-?[\d:.,]+[^\s\d=]?=")
_READ_BY_QT = (".png", ".tif", ".tiff", ".jpg", ".jpeg")


def check_playable(take: Take, rate: Fraction) -> None:
    """Raise BadInput for a take that MLT could not show frame by frame in a project of `rate`."""
    if not is_sequence(take.media):
        return
    if not take.media.lower().endswith(_READ_BY_QT):
        raise BadInput("MLT shows no OpenEXR pictures with their alpha: deliver the result as mkv, mov or png.")
    if take.rate != rate:
        raise BadInput(
            f"MLT plays pictures at the project's {float(rate):.6g} frames per second, and the result has "
            f"{float(take.rate):.6g}: deliver it as mkv or mov."
        )


def ours(service: Element) -> bool:
    """True for the producer of a take."""
    return KEY in properties_of(service)


def producer_of(
    project: MltProject, builder: Builder, take: Take, *, over: str, version: int, root: Path | None
) -> Element:
    """The take as a producer, not in the project yet. `over`: the name of the clip below; `root`: from where relative
    paths start, None where that is not sure."""
    length = math.ceil((take.frames - Fraction(1, 2)) * project.rate / take.rate)
    pictures = is_sequence(take.media)
    has_chains = project.root.find("chain") is not None and not pictures
    name = builder.name("chain" if has_chains else "producer")
    said = {"length": str(length), "eof": "pause", "resource": _resource(take.media, root)}
    if pictures:
        said["resource"] += f"?begin={take.first_number}"
        said |= {"ttl": "1", "mlt_service": "qimage"}
    else:
        said |= {"mlt_service": "avformat", "audio_index": "-1"}
    said |= {KEY: json.dumps(marks_as_json(take, over=over, version=version), sort_keys=True)}
    if project.dialect is Dialect.KDENLIVE:
        said |= _bin_words(project, take, said[KEY])
    elif project.dialect is Dialect.SHOTCUT:
        said["shotcut:caption"] = take.name
    span = {"in": builder.time(0), "out": builder.time(length - 1)}
    return element("chain" if has_chains else "producer", {"id": name} | span, said)


def line_of(
    project: MltProject, builder: Builder, made: Element, take: Take, *, source: MltEntry, fit: Fit, version: int
) -> tuple[Element, bool]:
    """The playlist that shows `made`, its producer, where it belongs above `source`; not in the project yet.

    Both get the filters of `source` that do not change over time; true beside it where others are left away.
    """
    producer = made.attrib["id"]
    words = {Dialect.SHOTCUT: {"shotcut:video": "1", "shotcut:name": track_name(version)}}
    line = element("playlist", {"id": builder.name("playlist")}, words.get(project.dialect))
    if start := source.start + source.head + fit.skipped:
        line.append(element("blank", {"length": builder.time(start)}))
    span = {"in": builder.time(fit.first), "out": builder.time(fit.first + fit.length - 1)}
    said = properties_of(made)
    own_words = {"kdenlive:id": said["kdenlive:id"]} if "kdenlive:id" in said else {}
    entry = element("entry", {"producer": producer} | span, own_words)
    line.append(entry)
    # Shotcut keeps a clip's filters on its producer, Kdenlive on the cut.
    holder = entry if project.dialect is Dialect.KDENLIVE else made
    if take.has_alpha and needs_alpha_filter(project) and not is_sequence(take.media):
        holder.append(_alpha_filter(project.dialect))
    left_away = False
    for origin, target in ((source.service, made), (source.element, entry)):
        for each in origin.findall("filter"):
            if any(_KEYFRAMED.match(value) for value in properties_of(each).values()):
                left_away = True
            else:
                target.append(_always(each))
    return line, left_away


def _always(original: Element) -> Element:
    """A filter without its name and its time range, so that it serves another clip from beginning to end."""
    copy = deepcopy(original)
    for name in ("id", "in", "out"):
        copy.attrib.pop(name, None)
    return copy


def _alpha_filter(dialect: Dialect) -> Element:
    """A crop that crops nothing, by which MLT hands the alpha of deep files on to `qtblend`."""
    said = {"mlt_service": "qtcrop", "rect": "0% 0% 100% 100%", "circle": "0", "color": "0x00000000"}
    words = {Dialect.KDENLIVE: {"kdenlive_id": "qtcrop"}, Dialect.SHOTCUT: {"shotcut:filter": "cropRectangle"}}
    return element("filter", {}, said | words.get(dialect, {}))


def _bin_words(project: MltProject, take: Take, marks: str) -> dict[str, str]:
    """What Kdenlive keeps of a clip in its bin."""
    known = [properties_of(each) for each in project.services.by_id.values()]
    numbers = [int(said["kdenlive:id"]) for said in known if said.get("kdenlive:id", "").isdecimal()]
    words = {
        "kdenlive:clipname": take.name,
        "kdenlive:folderid": "-1",
        "kdenlive:id": str(max(numbers, default=1) + 1),
    }
    if any("kdenlive:control_uuid" in said for said in known):
        words["kdenlive:control_uuid"] = f"{{{uuid5(NAMESPACE_URL, take.media + marks)}}}"
    return words


def _resource(path: str, root: Path | None) -> str:
    """Relative to the project's root where it lies below, as both editors write it."""
    is_inside = root is not None and Path(path).is_relative_to(root)
    return (os.path.relpath(path, root) if is_inside else path).replace(os.sep, "/")
