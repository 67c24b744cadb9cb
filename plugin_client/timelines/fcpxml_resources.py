# SPDX-License-Identifier: GPL-3.0-or-later
"""An FCPXML file's resources: formats and assets read, and an asset for a take added (versions 1.8 to 1.13)."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.timelines.timeline import Take
from plugin_client.timelines.times import exact_rate, rational_seconds, rational_text
from plugin_client.timelines.urls import media_path, media_url
from plugin_client.timelines.xmlfile import insert

# Until 1.8 an asset names its file itself, from 1.9 on a media-rep in it does.
_MEDIA_REP_SINCE = (1, 9)
_NAMED_RATE = re.compile(r"\d+[pi](\d{2,4})$")


def time_of(element: Element, name: str, default: Fraction | None = None) -> Fraction:
    """A time attribute in seconds, `default` (0) where it is missing. Raises BadInput for what is no time."""
    text = element.get(name)
    if text is None:
        return Fraction(0) if default is None else default
    try:
        return rational_seconds(text)
    except (ValueError, ZeroDivisionError) as error:
        raise BadInput(f"The file says {name}={text!r}, which is no time: export the timeline again.") from error


class Resources:
    """The `resources` of a file. `folder`: the file's own, from which relative media count."""

    def __init__(self, root: Element, folder: Path) -> None:
        resources = root.find("resources")
        if resources is None:
            raise BadInput("The file has no resources: export the timeline again.")
        self._element, self._folder = resources, folder
        self._by_id = {each.get("id", ""): each for each in resources}
        self._has_media_rep = _version(root) >= _MEDIA_REP_SINCE

    def get(self, reference: str | None) -> Element | None:
        """The resource of that id."""
        return self._by_id.get(reference or "")

    def rate(self, format_id: str | None) -> Fraction | None:
        """The frame rate of a format, None where it has none (audio, stills) or is not there."""
        described = self.get(format_id)
        if described is None:
            return None
        duration = time_of(described, "frameDuration")
        if duration > 0:
            return 1 / duration
        named = _NAMED_RATE.search(described.get("name", ""))
        if named is None:
            return None
        return exact_rate(named[1] if len(named[1]) < 3 else f"{named[1][:-2]}.{named[1][-2:]}")

    def media(self, asset: Element) -> str:
        """The path of an asset's original."""
        reps = asset.findall("media-rep")
        original = next((rep for rep in reps if rep.get("kind", "original-media") == "original-media"), None)
        return media_path((asset if original is None else original).get("src", ""), self._folder)

    def add(self, take: Take, *, like: Element) -> Element:
        """An asset for the take, in the format of the asset `like`, beside it."""
        asset = Element(
            "asset",
            {
                "id": self._new_id(),
                "name": take.name,
                "start": rational_text(take.start_frame / take.rate, take.rate),
                "duration": rational_text(take.frames / take.rate, take.rate),
                "hasVideo": "1",
                "format": like.get("format") or self._format_for(take),
                "videoSources": "1",
            },
        )
        for name in ("colorSpaceOverride", "customLUTOverride"):
            if name in like.attrib:
                asset.set(name, like.attrib[name])
        if self._has_media_rep:
            rep = Element("media-rep", {"kind": "original-media", "src": media_url(take.media)})
            asset.append(rep)
        else:
            asset.set("src", media_url(take.media))
        insert(self._element, list(self._element).index(like) + 1, asset)
        self._by_id[asset.attrib["id"]] = asset
        return asset

    def remove(self, asset: Element) -> None:
        """Take an asset out again."""
        self._element.remove(asset)
        del self._by_id[asset.get("id", "")]

    def _format_for(self, take: Take) -> str:
        described = Element(
            "format",
            {
                "id": self._new_id(),
                "frameDuration": rational_text(1 / take.rate, take.rate),
                "width": str(take.width),
                "height": str(take.height),
            },
        )
        insert(self._element, 0, described)
        self._by_id[described.attrib["id"]] = described
        return described.attrib["id"]

    def _new_id(self) -> str:
        numbers = (int(known[1:]) for known in self._by_id if re.fullmatch(r"r\d+", known))
        return f"r{max(numbers, default=0) + 1}"


def _version(root: Element) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in root.get("version", "").split("."))
    except ValueError:
        return (1, 0)
