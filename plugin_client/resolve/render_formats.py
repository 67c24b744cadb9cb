# SPDX-License-Identifier: GPL-3.0-or-later
"""Which format and codec to render to: without visible loss and in full colour resolution, of what this Resolve has.

Which there are differs between systems, editions and versions; the calls take ids, which are matched loosely because
labels and ids are spelt differently between versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.resolve.api import ask

# (format, codec as letters and digits, has alpha), the best first: one file with a rate before numbered pictures.
_WANTED = (
    ("mov", r"prores4444(?!xq)", True),
    ("mov", r"prores4444xq", True),
    ("mov", r"dnxhr444", False),
    ("tif", r"rgb16", True),
)
_SEQUENCES = ("tif",)


@dataclass(frozen=True, kw_only=True)
class RenderFormat:
    """The ids for `SetCurrentRenderFormatAndCodec`; the format's is the file name's ending too."""

    format: str
    codec: str

    @property
    def is_sequence(self) -> bool:
        """Numbered pictures, one per frame."""
        return self.format in _SEQUENCES


def best_format(project: Any, *, alpha: bool) -> RenderFormat:
    """The best that Resolve offers here, with an alpha channel if `alpha`. Raises BadInput if there is none."""
    there = set(ask(project, "GetRenderFormats").values())
    for format, wanted, has_alpha in _WANTED:
        if format not in there or (alpha and not has_alpha):
            continue
        codecs = ask(project, "GetRenderCodecs", format)
        for label, codec in codecs.items():
            if re.search(wanted, re.sub(r"[^a-z0-9]", "", f"{label} {codec}".lower())):
                return RenderFormat(format=format, codec=codec)
    raise BadInput(
        "This Resolve offers neither ProRes 4444, DNxHR 444 nor 16-bit TIFF to render to: render the clip yourself and "
        "edit the file."
    )
