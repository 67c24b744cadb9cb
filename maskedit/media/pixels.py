# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pixel format's name says, and which planar format holds the same samples.

Plates are kept planar and little-endian; packed formats (nv12, rgb24, uyvy422, v210's kin …) have a planar
equivalent that libswscale reaches by moving bytes only, so that both ways are lossless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from maskedit.errors import InputError


class ColourModel(StrEnum):
    YUV = "yuv"
    RGB = "rgb"
    GRAY = "gray"


@dataclass(frozen=True)
class PixelLayout:
    """One planar pixel format. `chroma_shift` = log2 of the (horizontal, vertical) subsampling."""

    name: str
    model: ColourModel
    depth: int
    chroma_shift: tuple[int, int] = (0, 0)
    has_alpha: bool = False
    is_float: bool = False

    @property
    def dtype(self) -> np.dtype:
        """How one sample lies in memory."""
        return np.dtype(np.float32 if self.is_float else np.uint8 if self.depth == 8 else np.dtype("<u2"))

    @property
    def colour_planes(self) -> int:
        return 1 if self.model is ColourModel.GRAY else 3

    @property
    def plane_count(self) -> int:
        return self.colour_planes + self.has_alpha

    def is_chroma(self, plane: int) -> bool:
        """True for Cb and Cr. Plane order: Y Cb Cr, G B R, or gray; alpha last."""
        return self.model is ColourModel.YUV and plane in (1, 2)

    def plane_shape(self, plane: int, *, width: int, height: int) -> tuple[int, int]:
        """(rows, columns) of a plane; odd sizes round up, as in libavutil."""
        across, down = self.chroma_shift if self.is_chroma(plane) else (0, 0)
        return -(-height >> down), -(-width >> across)


_SHIFTS = {"444": (0, 0), "440": (0, 1), "422": (1, 0), "420": (1, 1), "411": (2, 0), "410": (2, 2)}
_PLANAR = re.compile(r"(?:(yuv)(a?)(444|440|422|420|411|410)p|(gbr)(a?)p|(gray))(?:(f32|\d+)le)?")

_PLANAR_EQUIVALENT = {
    "gbrp": ("rgb24", "bgr24", "rgb0", "bgr0", "0rgb", "0bgr"),
    "gbrap": ("rgba", "bgra", "argb", "abgr", "pal8"),
    "gbrp10le": ("x2rgb10le", "x2bgr10le", "gbrp10be"),
    "gbrp12le": ("gbrp12be",),
    "gbrp16le": ("rgb48le", "rgb48be", "bgr48le", "bgr48be", "gbrp16be"),
    "gbrap16le": ("rgba64le", "rgba64be", "bgra64le", "gbrap16be"),
    "gray10le": ("gray10be",),
    "gray12le": ("gray12be",),
    "gray16le": ("gray16be",),
    "yuv420p": ("yuvj420p", "nv12", "nv21"),
    "yuv422p": ("yuvj422p", "nv16", "yuyv422", "uyvy422", "yvyu422"),
    "yuv440p": ("yuvj440p",),
    "yuv411p": ("yuvj411p",),
    "yuv444p": ("yuvj444p", "nv24", "vuyx", "vyu444"),
    "yuva444p": ("vuya", "ayuv", "uyva"),
    "yuv420p10le": ("p010le", "yuv420p10be"),
    "yuv420p12le": ("p012le",),
    "yuv420p16le": ("p016le",),
    "yuv422p10le": ("p210le", "y210le", "yuv422p10be"),
    "yuv422p12le": ("p212le", "y212le"),
    "yuv422p16le": ("p216le", "y216le", "yuv422p16be"),
    "yuv444p10le": ("p410le", "xv30le", "v30xle", "yuv444p10be"),
    "yuv444p12le": ("xv36le",),
    "yuv444p16le": ("p416le", "xv48le"),
    "yuva444p16le": ("ayuv64le",),
}
_EQUIVALENT_OF = {packed: planar for planar, names in _PLANAR_EQUIVALENT.items() for packed in names}


def planar_equivalent(pixel_format: str) -> str:
    """The planar little-endian format that holds exactly the samples of `pixel_format` (itself if it is one)."""
    return _EQUIVALENT_OF.get(pixel_format, pixel_format)


@lru_cache(maxsize=64)
def layout_of(pixel_format: str) -> PixelLayout:
    """The layout of `pixel_format`'s planar equivalent. Raises InputError for a format that is not handled."""
    name = planar_equivalent(pixel_format)
    match = _PLANAR.fullmatch(name)
    if not match:
        raise InputError(f"The pixel format {pixel_format} is not supported: convert the clip to FFV1, ProRes or PNG.")
    yuv, yuv_alpha, sampling, rgb, rgb_alpha, _, number = match.groups()
    return PixelLayout(
        name=name,
        model=ColourModel.YUV if yuv else ColourModel.RGB if rgb else ColourModel.GRAY,
        depth=32 if number == "f32" else int(number or 8),
        chroma_shift=_SHIFTS[sampling] if sampling else (0, 0),
        has_alpha=bool(yuv_alpha or rgb_alpha),
        is_float=number == "f32",
    )
