# SPDX-License-Identifier: GPL-3.0-or-later
"""New elements in an MLT project, written and indented as their neighbours are."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from plugin_client.timelines.mlt_project import MltProject
from plugin_client.timelines.mlt_times import clock_of


class Builder:
    """Makes elements for one project, in its own way of writing times and with names that it has not given yet."""

    def __init__(self, project: MltProject) -> None:
        self._project = project
        self._names = {each.get("id", "") for each in project.root.iter()}
        self._clocks = any(":" in each.get("out", "") for each in project.root.iter("entry"))
        indent = (project.root.text or "").rpartition("\n")[2]
        self._unit = indent if indent and indent.isspace() else "  "

    def time(self, frames: int) -> str:
        """A time as this project writes it."""
        return clock_of(frames, self._project.rate) if self._clocks else str(frames)

    def name(self, kind: str) -> str:
        """The next free id of its kind: `chain3`."""
        number = 0
        while f"{kind}{number}" in self._names:
            number += 1
        self._names.add(f"{kind}{number}")
        return f"{kind}{number}"

    def add(self, parent: Element, position: int, new: Element) -> None:
        """Put `new` at `position` among the children of `parent`, which has some, on lines of its own."""
        inner = parent.text or ""
        ElementTree.indent(new, self._unit)
        base = inner.rpartition("\n")[2]
        for each in new.iter():
            each.text = _deeper(each.text, base)
            each.tail = _deeper(each.tail, base)
        if position == 0:
            new.tail = inner
        else:
            before = parent[position - 1]
            new.tail, before.tail = before.tail, inner
        parent.insert(position, new)


def element(tag: str, attributes: Mapping[str, str], properties: Mapping[str, str] | None = None) -> Element:
    """An MLT element with its properties."""
    made = Element(tag, dict(attributes))
    for name, value in (properties or {}).items():
        ElementTree.SubElement(made, "property", {"name": name}).text = value
    return made


def set_property(service: Element, name: str, value: str) -> None:
    """Give a property that is there another value, or add it: as a child, or as the attribute that it was."""
    if name in service.attrib:
        service.set(name, value)
        return
    child = next((each for each in service.findall("property") if each.get("name") == name), None)
    if child is None:
        child = ElementTree.SubElement(service, "property", {"name": name})
    child.text = value


def without_property(service: Element, name: str) -> None:
    """Take a property away, if it is there."""
    service.attrib.pop(name, None)
    for child in service.findall("property"):
        if child.get("name") == name:
            service.remove(child)


def _deeper(text: str | None, base: str) -> str | None:
    return text.replace("\n", f"\n{base}") if text and text.isspace() else text
