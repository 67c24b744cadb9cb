# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender renders for the server is what the server's own readers take."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from bridge_server.rpc.translate import from_proto
from maskedit.mattes import open_matte
from maskedit.media import ClipReader, write_picture
from maskedit.request import AlphaMode, EditRequest, MediaFacts
from plugin_client.core.requests import EditOptions, MatteFile, Picture, build_edit

HERE = Path(__file__).parent


def test_a_matte_of_a_long_clips_middle_and_a_meta_strip_as_a_clip(blender, tmp_path):
    ran = blender.run(HERE / "scripts" / "render_matte.py", tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    made = json.loads(ran.stdout.splitlines()[-1])

    matte = MatteFile(**made["matte"])
    files = sorted(file.name for file in Path(matte.path).parent.iterdir())
    assert files == [f"matte.{frame:06d}.png" for frame in range(50_000, 50_005)]
    painted = tmp_path / "painted.png"
    write_picture(str(painted), np.zeros((64, 96, 3), np.float32))
    options = EditOptions(clip=made["clip"], mattes=(matte,), keyframes=(Picture(frame=50_000, path=str(painted)),))
    request = from_proto(build_edit(options), EditRequest)
    long_clip = MediaFacts(frame_count=90_000, width=96, height=64, rate=Fraction(24), pixel_format="yuv420p")
    read = list(open_matte(request.regions[0].mattes[0], facts=long_clip).frames(50_000, 50_004))
    assert [frame for frame, _ in read] == list(range(50_000, 50_005))
    for number, (_, picture) in enumerate(read):
        left = 8 + 3 * (2 + number)
        assert (picture[9:39, left + 1 : left + 23] == 1).all()
        # Anti-aliasing reaches two pixels.
        assert not picture[:, : left - 2].any() and not picture[:, left + 26 :].any()
        assert not picture[:6].any() and not picture[42:].any()

    with ClipReader(made["clip"]) as clip:
        facts = clip.facts
        assert (facts.frame_count, facts.width, facts.height) == (6, 96, 64)
        assert facts.rate == Fraction(24000, 1001) and facts.alpha_mode is AlphaMode.NONE and facts.bit_depth == 8
