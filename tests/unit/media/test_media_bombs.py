# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are small on the disk and take more memory than a machine has once they are read."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from bridge_server.checks import CHECKER
from bridge_server.children import ask_child
from maskedit.checking import check_edit
from maskedit.errors import InputError
from maskedit.media.pictures import read_header, read_samples
from maskedit.request import EditRequest, Keyframe, KeyframeCare, Matte, MediaReference, Region, to_json


def test_of_a_picture_with_many_layers_only_the_colour_is_read(tmp_path: Path) -> None:
    """Renderers write dozens: all of them at float size would be several times the picture."""
    names = ["R", "G", "B", "A", *(f"layer{n}.{channel}" for n in range(30) for channel in "RGB")]
    spec = oiio.ImageSpec(512, 512, len(names), "half")
    spec.channelnames = names
    samples = np.zeros((512, 512, len(names)), np.float16)
    samples[..., 1], samples[..., 3] = 0.5, 0.25
    path = str(tmp_path / "layers.exr")
    output = oiio.ImageOutput.create(path)
    assert output.open(path, spec) and output.write_image(samples) and output.close()
    del samples
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    header, read = read_samples(path)
    assert (header.channels, read.shape) == ((0, 1, 2, 3), (512, 512, 4))
    assert (read == (0, 0.5, 0, 0.25)).all()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB; all of them take 99 MB


@pytest.mark.parametrize(
    ("name", "width", "tile", "match"),
    [("tiles.tif", 64, 131_072, "laid out as no picture"), ("wide.exr", 20_000, 0, "more than 16384 a side")],
)
def test_what_no_camera_makes_is_refused_by_its_header(
    tmp_path: Path, name: str, width: int, tile: int, match: str
) -> None:
    path = str(tmp_path / name)
    spec = oiio.ImageSpec(width, 16, 3, "half" if name.endswith("exr") else "uint8")
    spec.tile_width, spec.tile_height = tile, 16 if tile else 0
    output = oiio.ImageOutput.create(path)
    assert output.open(path, spec) and output.close()
    with pytest.raises(InputError, match=match):
        read_header(path)


def test_a_picture_whose_row_of_tiles_is_larger_than_itself_is_refused_by_its_header(tmp_path: Path) -> None:
    """Neither its size nor its tiles are too large by themselves; a row of tiles is held beside the picture."""
    path = str(tmp_path / "tiles.tif")
    spec = oiio.ImageSpec(16_384, 12_000, 3, "uint8")
    spec.tile_width = spec.tile_height = 16_384
    output = oiio.ImageOutput.create(path)
    assert output.open(path, spec) and output.close()
    with pytest.raises(InputError, match="laid out as no picture"):
        read_header(path)


def test_a_deep_picture_is_refused_by_its_header(tmp_path: Path) -> None:
    """Each of its pixels may hold as many samples as it likes, which its size says nothing of."""
    spec = oiio.ImageSpec(4, 4, 4, "half")
    spec.deep, spec.channelnames = True, ("R", "G", "B", "A")
    picture = oiio.ImageBuf(spec)
    picture.set_deep_samples(0, 0, 0, 2)
    assert picture.write(str(tmp_path / "deep.exr"))
    with pytest.raises(InputError, match="laid out as no picture"):
        read_header(tmp_path / "deep.exr")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process limit another's memory")
async def test_a_picture_that_takes_more_than_the_memory_of_a_check_is_refused_in_a_sentence(
    write_clip: Callable[..., Path], huge_png: Callable[..., bytes], tmp_path: Path
) -> None:
    """14,000 pixels a side are within what is read, and with alpha and 16 bits 1.6 GB."""
    frames = np.full((3, 64, 64, 3), 200, np.uint8)
    clip = MediaReference(locations=(str(write_clip("clip.mkv", frames)),))
    picture = tmp_path / "key.png"
    picture.write_bytes(huge_png(14_000, bits=16, kind=6))
    os.truncate(picture, 64 << 20)  # or the reader itself would not believe it
    key = Keyframe(frame=0, image=MediaReference(locations=(str(picture),)))
    request = EditRequest(
        target=clip,
        regions=(Region(mattes=(Matte(media=clip),)),),
        keyframes=(key,),
        keyframe_care=KeyframeCare(fit=True),
    )
    with pytest.raises(InputError, match="more memory than the server gives to a check"):
        await ask_child((*CHECKER, "--data-dir", str(tmp_path)), to_json(request), seconds=60, memory_bytes=1200 << 20)


async def test_a_keyframe_of_another_size_is_refused_before_it_is_decoded(
    write_clip: Callable[..., Path], huge_png: Callable[..., bytes], tmp_path: Path
) -> None:
    clip = MediaReference(locations=(str(write_clip("clip.mkv", np.full((3, 64, 48, 3), 200, np.uint8))),))
    picture = tmp_path / "key.png"
    picture.write_bytes(huge_png(14_000, kind=2))
    key = Keyframe(frame=0, image=MediaReference(locations=(str(picture),)))
    request = EditRequest(target=clip, regions=(Region(mattes=(Matte(media=clip),)),), keyframes=(key,))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="14000x14000 but the clip is 48x64, which is another shape"):
        check_edit(request)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB; decoded, it has 588 MB
