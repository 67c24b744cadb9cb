# SPDX-License-Identifier: GPL-3.0-or-later
"""Where change is allowed: mattes from files, roto shapes and strokes, loosening, the paste matte (torch-free).

White = inside = 1 throughout. `open_matte` gives what one file holds per frame. `region_mattes` combines the files of
an edit's regions and turns them, by `widen`, `loosen`, `smooth_over_time` and `paste_matte`, into the matte that every
promise about untouched pixels refers to.
"""

from maskedit.mattes.loosening import loosen, paste_matte, paste_mattes, smooth_over_time
from maskedit.mattes.readers import MatteReader, open_matte
from maskedit.mattes.regions import drawn_and_paste, drawn_mattes, region_mattes
from maskedit.mattes.roto import RotoFile, parse_roto, read_roto
from maskedit.mattes.widening import widen

__all__ = [
    "MatteReader",
    "RotoFile",
    "drawn_and_paste",
    "drawn_mattes",
    "loosen",
    "open_matte",
    "parse_roto",
    "paste_matte",
    "paste_mattes",
    "read_roto",
    "region_mattes",
    "smooth_over_time",
    "widen",
]
