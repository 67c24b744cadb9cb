# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip's sound, copied packet by packet beside the new picture, never decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard

from maskedit.errors import OutputError

# libavformat lists these for its whole mov family, and then refuses them in a plain mov.
_ONLY_IN_MP4 = frozenset({"flac", "opus", "truehd"})


class AudioCopy:
    """Copies all audio of `source` into `target` (streams added at once, packets as `up_to` asks for them).

    `start`: the time in seconds, on the source's clock, that becomes 0. Packets that begin before it are left out, so
    that sound and picture stay in step and the picture begins at 0.
    """

    def __init__(self, source: InputContainer, target: OutputContainer, *, start: Fraction) -> None:
        self._target = target
        self._start = start
        self._streams: dict[int, AudioStream] = {}
        for stream in source.streams:
            stream.discard = Discard.default if stream.type == "audio" else Discard.all
        for stream in source.streams.audio:
            codec = stream.codec_context.name if stream.codec_context else "of an unknown kind"
            if codec not in target.supported_codecs or (target.format.name == "mov" and codec in _ONLY_IN_MP4):
                raise OutputError(f"The sound is {codec}, which a {target.format.name} file cannot hold: ask for mkv.")
            copied = target.add_stream_from_template(stream)
            copied.metadata.update(
                {key: stream.metadata[key] for key in ("language", "title") if key in stream.metadata}
            )
            self._streams[stream.index] = copied
        self._packets = self._timed_packets(source) if self._streams else iter(())
        self._waiting: tuple[Fraction, Packet] | None = None

    def up_to(self, time: Fraction | None) -> None:
        """Write the packets that begin before `time` seconds of the result (None: all that are left)."""
        while True:
            self._waiting = self._waiting or next(self._packets, None)
            if self._waiting is None or (time is not None and self._waiting[0] >= time):
                return
            self._target.mux_one(self._waiting[1])
            self._waiting = None

    def _timed_packets(self, source: InputContainer) -> Iterator[tuple[Fraction, Packet]]:
        with suppress(av.FFmpegError):  # where seeking fails, reading from the start finds the same packets
            source.seek(int(self._start * 1_000_000), backward=True)
        for packet in source.demux(*source.streams.audio):
            if packet.pts is None or not packet.size:
                continue
            time = packet.pts * packet.time_base - self._start
            if time < 0:
                continue
            shift = round(self._start / packet.time_base)
            packet.pts -= shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = self._streams[packet.stream_index]
            yield time, packet
