# SPDX-License-Identifier: GPL-3.0-or-later
"""An XML project file that is changed in place: what stands before and after its root stays byte for byte, and every
element, attribute, comment and text that nobody touched stays as it is."""

from __future__ import annotations

import codecs
import os
import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from plugin_client.core.errors import BadInput

_DECLARED = re.compile(rb"""(<\?xml[^>]*?encoding\s*=\s*["'])([A-Za-z0-9._-]+)""")


@dataclass
class XmlFile:
    """A parsed file. `before` and `after`: the declaration, the document type, comments around the root, as text."""

    root: Element
    before: str
    after: str

    def text(self) -> str:
        """The file as it is to be written, to be encoded as UTF-8."""
        body = ElementTree.tostring(self.root, encoding="unicode")
        return self.before + body + self.after


def read_xml(path: Path) -> XmlFile:
    """Parse `path`. Raises BadInput for what cannot be read or is no well-formed XML."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): check the path.") from error
    try:
        data = _as_utf8(data)
        root = ElementTree.fromstring(data, parser=_parser())
        before, after = _around_root(data)
    except (ElementTree.ParseError, expat.ExpatError, LookupError, UnicodeError) as error:
        raise BadInput(f"{path} is no whole XML file ({error}): export the timeline again.") from error
    return XmlFile(root, before, after)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all. Raises BadInput."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with scratch.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written ({error.strerror}): choose another --out.") from error


def insert(parent: Element, index: int, child: Element) -> None:
    """Put `child` before the one that is now at `index`, on a line of its own where the others have one."""
    between = parent.text if (parent.text or "").isspace() else None
    if index and index == len(parent):
        child.tail, parent[-1].tail = parent[-1].tail, between
    else:
        child.tail = between
    if between:
        _indent(child, between)
    parent.insert(index, child)


def _indent(element: Element, line: str) -> None:
    """Give what is in `element` lines of their own, deeper than `line`, where nothing but white space is between."""
    if not len(element) or any((each or "").strip() for each in (element.text, *(child.tail for child in element))):
        return
    deeper = line + "  "
    element.text = deeper
    for child in element:
        child.tail = line if child is element[-1] else deeper
        _indent(child, deeper)


def bare_copy(element: Element) -> Element:
    """A copy without the white space that led to the next element where it stood."""
    copied = deepcopy(element)
    copied.tail = None
    return copied


def parents(root: Element) -> dict[Element, Element]:
    """Every element's parent."""
    return {child: parent for parent in root.iter() for child in parent}


def _parser() -> ElementTree.XMLParser:
    return ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True, insert_pis=True))


def _as_utf8(data: bytes) -> bytes:
    """The file in the encoding that we write, its declaration saying so, without a byte order mark."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        text = data.decode("utf-16")
    else:
        declared = _DECLARED.match(data.removeprefix(codecs.BOM_UTF8))
        text = data.decode(declared[2].decode("ascii") if declared else "utf-8").removeprefix("\ufeff")
    return _DECLARED.sub(rb"\g<1>UTF-8", text.encode(), count=1)


def _around_root(data: bytes) -> tuple[str, str]:
    """What stands before the root's first byte and after its last."""
    parser = expat.ParserCreate()
    places: list[int] = []
    depth = 0

    def begins(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        if depth == 0:
            places.append(parser.CurrentByteIndex)
        depth += 1

    def ends(_name: str) -> None:
        nonlocal depth
        depth -= 1
        if depth == 0:
            places.append(parser.CurrentByteIndex)

    parser.StartElementHandler, parser.EndElementHandler = begins, ends
    parser.Parse(data, True)
    first, closing = places
    end = data.index(b">", closing) + 1
    return data[:first].decode(), data[end:].decode()
