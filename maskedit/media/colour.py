# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour facts by name: the code points of ITU-T H.273 as FFmpeg names them, and the guesses where tags are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from maskedit.errors import InputError
from maskedit.media.pixels import ColourModel, PixelLayout
from maskedit.request import ColourTag, Origin

UNSPECIFIED = 2
MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c", 14: "ictcp",
}  # fmt: skip
PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 10: "smpte428",
    11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
TRANSFERS = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316",
    11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084",
    17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
RANGES = {1: "tv", 2: "pc"}

# Where primaries and white lie, x and y of red, green, blue, white (H.273, table 2).
_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
_D60 = (0.32168, 0.33767)
CHROMATICITIES: Mapping[str, tuple[float, ...]] = {
    "bt709": (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65),
    "bt470m": (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *_C),
    "bt470bg": (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    "smpte170m": (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    "smpte240m": (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    "film": (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C),
    "bt2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    "smpte428": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3),
    "smpte431": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_DCI),
    "smpte432": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    "ebu3213": (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
    # No video has these, but scene-linear pictures: SMPTE ST 2065-1, and ACES S-2014-004 (ACEScg).
    "ap0": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, *_D60),
    "ap1": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, *_D60),
}

# Red and blue luma weights (H.273, table 4); green's is what remains to 1.
_LUMA_WEIGHTS = {
    "bt709": (0.2126, 0.0722), "fcc": (0.30, 0.11), "bt470bg": (0.299, 0.114), "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087), "bt2020nc": (0.2627, 0.0593),
}  # fmt: skip


class ColourTags(TypedDict):
    """MediaFacts' four colour fields."""

    matrix: ColourTag
    range: ColourTag
    primaries: ColourTag
    transfer: ColourTag


@dataclass(frozen=True)
class PlateColour:
    """How a plate's samples are to be understood: names as in `MediaFacts`, guesses already made.

    `siting`: where a subsampled chroma sample lies among the luma samples that it serves, (across, down), from 0
    (on the first one) to 0.5 (in their middle).
    """

    matrix: str = "bt709"
    range: str = "tv"
    siting: tuple[float, float] = (0.0, 0.5)


def luma_weights(matrix: str) -> tuple[float, float]:
    """(red, blue) weights of luma. Raises InputError for matrices that are no weighted sum."""
    if matrix not in _LUMA_WEIGHTS:
        known = ", ".join(_LUMA_WEIGHTS)
        raise InputError(f"The clip's colour matrix {matrix} is not supported: convert it to one of {known}.")
    return _LUMA_WEIGHTS[matrix]


def code_point(names: Mapping[int, str], tag: ColourTag, *, unspecified: int = UNSPECIFIED) -> int:
    """The number to write for `tag`: a guess is never written out as if the source had said so."""
    numbers = {name: number for number, name in names.items()}
    return unspecified if tag.origin is Origin.GUESSED else numbers.get(tag.name, unspecified)


def tag_of(names: Mapping[int, str], number: int, *, guess: str) -> ColourTag:
    """The tag for a code point, or `guess`, marked as one, when the file does not say."""
    if number in names:
        return ColourTag(name=names[number], origin=Origin.TAGGED)
    return ColourTag(name=guess, origin=Origin.GUESSED)


def guessed_matrix(layout: PixelLayout, *, height: int) -> str:
    """Rule of thumb: RGB has none, high definition is BT.709, anything smaller is SMPTE 170M (BT.601)."""
    if layout.model is ColourModel.RGB:
        return "gbr"
    return "bt709" if height >= 720 else "smpte170m"


def colour_tags(
    layout: PixelLayout, *, height: int, matrix: int, range: int, primaries: int, transfer: int
) -> ColourTags:
    """MediaFacts' four colour fields from a file's code points; `height` in pixels decides the guesses.

    Float samples are scene-linear unless something says otherwise, as OpenEXR's manual has it.
    """
    rgb = layout.model is ColourModel.RGB
    wide = rgb or height >= 720
    curve = "linear" if layout.is_float else "iec61966-2-1" if rgb else "bt709"
    if MATRICES.get(matrix) == "gbr" and not rgb:
        matrix = UNSPECIFIED  # a known slip of some writers: luma and chroma under the tag of RGB
    return {
        "matrix": tag_of(MATRICES, matrix, guess=guessed_matrix(layout, height=height)),
        "range": tag_of(RANGES, range, guess="pc" if rgb else "tv"),
        "primaries": tag_of(PRIMARIES, primaries, guess="bt709" if wide else "smpte170m"),
        "transfer": tag_of(TRANSFERS, transfer, guess=curve),
    }


def primaries_named(chromaticities: tuple[float, ...]) -> str | None:
    """The primaries whose red, green, blue and white, x and y each, these eight figures are."""
    for name, corners in CHROMATICITIES.items():
        if max(abs(a - b) for a, b in zip(corners, chromaticities, strict=True)) < 1e-3:
            return name
    return None


def chroma_siting(codec: str, *, matrix: str, layout: PixelLayout) -> tuple[float, float]:
    """Where the codec's chroma samples lie: JPEG and MPEG-1 centre them, MPEG-2 and its heirs set them to the left,
    BT.2020 4:2:0 to the top left (H.265 annex E, BT.2020-2). PyAV does not tell what the stream itself says."""
    if codec in ("mjpeg", "mpeg1video"):
        return 0.5, 0.5
    if matrix.startswith("bt2020") and layout.chroma_shift == (1, 1):
        return 0.0, 0.0
    return 0.0, 0.5
