# SPDX-License-Identifier: GPL-3.0-or-later
"""Where change is allowed: mattes from files, roto shapes and strokes, loosening, the paste matte (torch-free).

White = inside = 1 throughout. `open_matte` gives what one file holds per frame. `region_mattes` combines the files of
an edit's regions and turns them, by `widen`, `loosen`, `smooth_over_time` and `paste_matte`, into the matte that every
promise about untouched pixels refers to; `purpose_mattes` gives those of the other purposes beside it. `edited`,
`steadied` and `composite_matte` find what of a result is to be pasted, `changed` what a keyframe changed. `outlining`
goes from mattes back to shapes, `fusion` reads another program's, `rescaling` fits a drawing to another size.
"""

from maskedit.mattes.changed import changed
from maskedit.mattes.found import composite_matte, edited, painted, steadied
from maskedit.mattes.loosening import loosen, paste_matte, paste_mattes, smooth_over_time
from maskedit.mattes.readers import MatteReader, open_matte
from maskedit.mattes.regions import (
    FrameMattes,
    drawn_and_paste,
    drawn_mattes,
    is_found,
    of_purpose,
    purpose_mattes,
    reach_of,
    region_mattes,
)
from maskedit.mattes.roto import RotoFile, parse_roto, read_roto
from maskedit.mattes.widening import widen

__all__ = [
    "FrameMattes",
    "MatteReader",
    "RotoFile",
    "changed",
    "composite_matte",
    "drawn_and_paste",
    "drawn_mattes",
    "edited",
    "is_found",
    "loosen",
    "of_purpose",
    "open_matte",
    "painted",
    "parse_roto",
    "paste_matte",
    "paste_mattes",
    "purpose_mattes",
    "reach_of",
    "read_roto",
    "region_mattes",
    "smooth_over_time",
    "steadied",
    "widen",
]
