# SPDX-License-Identifier: GPL-3.0-or-later
"""What an MLT producer plays: a file, a sequence of pictures, or something that cannot be edited, and why not."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from urllib.parse import parse_qs
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.core.media import is_sequence, sequence_files
from plugin_client.timelines.refusals import retimed, without_file
from plugin_client.timelines.times import exact_rate

_FILES = ("avformat", "avformat-novalidate", "")
_PICTURES = ("qimage", "pixbuf")
_NESTED = ("xml", "xml-nogl", "consumer")
_ALL_OF = ".all."
_DIGITS = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True, kw_only=True)
class MltMedia:
    """What a producer plays.

    `path`: an absolute path or a pattern of pictures, "" where there is no file. `rate`: of the media, None where the
    project does not say. `first`: the position of its first picture, below 0 where the producer starts within the
    sequence; `first_number`: that picture's number, None where the files are not there or it is none. `refusal`: why it
    cannot be edited, "" where it can.
    """

    path: str = ""
    rate: Fraction | None = None
    first: int = 0
    first_number: int | None = None
    refusal: str = ""


def properties_of(service: Element) -> dict[str, str]:
    """The properties of a producer, playlist, filter or transition; attributes count as well, as in MLT."""
    children = ((each.get("name", ""), each.text or "") for each in service.findall("property"))
    return dict(service.attrib) | dict(children)


def media_of(service: Element, name: str, *, root: Path, rate: Fraction) -> MltMedia:
    """What `service`, the producer or chain of the clip `name`, plays in a project of `rate`.

    `root`: where the project's relative paths start.
    """
    said = properties_of(service)
    kind, resource = said.get("mlt_service", ""), said.get("resource", "")
    links = {properties_of(link).get("mlt_service", "") for link in service.findall("link")}
    if kind == "timewarp" or "timeremap" in links:
        return MltMedia(refusal=retimed(name))
    if service.tag not in ("producer", "chain") or kind in _NESTED:
        return MltMedia(refusal=_nested(name))
    if kind in _PICTURES or (not kind and (_ALL_OF in resource or is_sequence(resource.partition("?")[0]))):
        return _pictures(said, name, root=root, rate=rate)
    if kind not in _FILES:
        return MltMedia(refusal=without_file(name))
    original = said.get("kdenlive:originalurl", "")
    has_proxy = len(said.get("kdenlive:proxy", "")) > 1 and original
    return MltMedia(path=_absolute(original if has_proxy else resource, root), rate=_rate_of(said))


def _nested(name: str) -> str:
    return (
        f"The clip {name!r} is a timeline of its own: choose the clip in it with --sequence, or render it and put the "
        "rendering in its place."
    )


def _absolute(path: str, root: Path) -> str:
    return os.path.normpath(os.path.join(root, path)) if path else ""


def _rate_of(said: Mapping[str, str]) -> Fraction | None:
    """The rate that the editor found when the media came into the project."""
    stream = f"meta.media.{said.get('video_index', '0')}.stream.frame_rate"
    numerator, denominator = said.get("meta.media.frame_rate_num", ""), said.get("meta.media.frame_rate_den", "")
    try:
        return exact_rate(f"{numerator}/{denominator}" if numerator and denominator else said[stream])
    except (KeyError, BadInput):
        return None


def _pictures(said: Mapping[str, str], name: str, *, root: Path, rate: Fraction) -> MltMedia:
    """A sequence of pictures, one for each frame of the project."""
    resource, _, query = said.get("resource", "").partition("?")
    path = _absolute(resource, root)
    if _ALL_OF not in resource and not is_sequence(resource):
        return MltMedia(path=path, refusal=f"The clip {name!r} is a still picture: edit the picture itself.")
    if said.get("ttl", "1") != "1":
        held = f"The clip {name!r} holds each picture for {said['ttl']} frames"
        return MltMedia(path=path, refusal=f"{held}: let each last one frame, or render it to a file.")
    try:
        pattern = _pattern_of_all(path) if _ALL_OF in resource else path
    except BadInput as error:
        return MltMedia(path=path, refusal=str(error))
    try:
        lowest = min(sequence_files(pattern))
    except BadInput:  # they are missing, which is no error here
        return MltMedia(path=pattern, rate=rate)
    begin = parse_qs(query.replace(":", "=")).get("begin", [""])[0]
    first = lowest - int(begin) if begin.isdecimal() else 0
    return MltMedia(path=pattern, rate=rate, first=first, first_number=lowest)


def _pattern_of_all(path: str) -> str:
    """`folder/.all.png` as the pattern of that folder's pictures. Raises BadInput where they follow no single one."""
    folder, name = os.path.split(path)
    ending = name.removeprefix(_ALL_OF)
    try:
        names = sorted(entry for entry in os.listdir(folder) if entry.endswith(f".{ending}"))
    except OSError:
        names = []
    patterns = set()
    for each in names:
        digits = _DIGITS.search(each)
        if digits is None:
            patterns.add(each)
        else:
            patterns.add(f"{each[: digits.start(1)]}%0{len(digits[1])}d{each[digits.end(1) :]}")
    if len(patterns) != 1 or not is_sequence(next(iter(patterns))):
        raise BadInput(f"The pictures {path} are not numbered alike: rename them NAME.0001.{ending} and so on.")
    return os.path.join(folder, patterns.pop())
