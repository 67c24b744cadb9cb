# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips and pictures in and out, sample by sample: exact frames, exact planes, exact rates, no torch.

A `ClipReader` gives `PlateFrame`s in the clip's own planes; `ClipWriter` puts such frames back into a file. What a
clip is comes from `probe`; single pictures go through `read_picture` and `write_picture`.
"""

from maskedit.media.convert import convert
from maskedit.media.pictures import read_picture, write_picture
from maskedit.media.plate import PlateFrame
from maskedit.media.probe import probe
from maskedit.media.reader import ClipReader
from maskedit.media.writer import ClipWriter

__all__ = ["ClipReader", "ClipWriter", "PlateFrame", "convert", "probe", "read_picture", "write_picture"]
