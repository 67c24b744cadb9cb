# SPDX-License-Identifier: GPL-3.0-or-later
"""Where change is allowed: mattes from files, roto shapes, loosening, the paste matte (torch-free).

White = inside = 1 throughout. `open_matte` gives the drawn matte per frame; `loosen`, `smooth_over_time` and
`paste_matte` (`paste_mattes` for a whole clip) turn it into the matte that every promise about untouched pixels
refers to.
"""

from maskedit.mattes.loosening import loosen, paste_matte, paste_mattes, smooth_over_time
from maskedit.mattes.readers import MatteReader, open_matte
from maskedit.mattes.regions import region_mattes
from maskedit.mattes.roto import RotoFile, parse_roto, read_roto

__all__ = [
    "MatteReader",
    "RotoFile",
    "loosen",
    "open_matte",
    "parse_roto",
    "paste_matte",
    "paste_mattes",
    "read_roto",
    "region_mattes",
    "smooth_over_time",
]
