# SPDX-License-Identifier: GPL-3.0-or-later
"""The test host as a process: OpenFX actions asked for in Python, images as NumPy arrays."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

OK, FAILED, NO_MEMORY, DEFAULT, BAD_FORMAT = 0, 1, 8, 14, 1000
UNTOUCHED = 0xA5
"""What the host fills output images with."""
DEPTHS = {
    "float": ("OfxBitDepthFloat", np.dtype("<f4")),
    "half": ("OfxBitDepthHalf", np.dtype("<f2")),
    "short": ("OfxBitDepthShort", np.dtype("<u2")),
    "byte": ("OfxBitDepthByte", np.dtype("u1")),
}
ALPHAS = {
    "opaque": "OfxImageAlphaOpaque",
    "premultiplied": "OfxImageAlphaPremultiplied",
    "unpremultiplied": "OfxImageAlphaUnPremultiplied",
}
Rect = tuple[int, int, int, int]


@dataclass(frozen=True)
class Layout:
    """How an image of `bounds` lies in memory: `padding` bytes after each row; `is_flipped`: the top row first."""

    bounds: Rect
    padding: int = 0
    is_flipped: bool = False

    @property
    def size(self) -> tuple[int, int]:
        x1, y1, x2, y2 = self.bounds
        return y2 - y1, x2 - x1

    def words(self, pixel_bytes: int) -> str:
        """As the host reads it: bounds, bytes from row to row upwards, where the bottom row begins, all bytes."""
        height, width = self.size
        row = width * pixel_bytes + self.padding
        step, start = (-row, row * (height - 1)) if self.is_flipped else (row, 0)
        return ",".join(map(str, (*self.bounds, step, start, row * height)))

    def pack(self, pixels: np.ndarray) -> bytes:
        """(H, W, 4), bottom row first, as it lies in memory."""
        height, width = self.size
        rows = np.full((height, width * 4 * pixels.itemsize + self.padding), 0x5A, np.uint8)
        order = pixels[::-1] if self.is_flipped else pixels
        rows[:, : rows.shape[1] - self.padding] = np.ascontiguousarray(order).reshape(height, -1).view(np.uint8)
        return rows.tobytes()

    def unpack(self, raw: bytes, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        """The pixels, bottom row first, and the bytes between the rows."""
        height, width = self.size
        rows = np.frombuffer(raw, np.uint8).reshape(height, -1)
        rows = rows[::-1] if self.is_flipped else rows
        end = width * 4 * dtype.itemsize
        return np.ascontiguousarray(rows[:, :end]).view(dtype).reshape(height, width, 4), rows[:, end:]


@dataclass(frozen=True)
class Request:
    """One render. `source`: (H, W, 4) of the depth's type, bottom row first; None where the clip has no image.

    `region`: the source's region of definition in canonical units; by default its bounds at scale 1.
    """

    source: np.ndarray | None
    source_at: Layout
    window: Rect
    output_at: Layout | None = None
    time: float = 0
    depth: str = "float"
    alpha: str = "premultiplied"
    scale: tuple[float, float] = (1.0, 1.0)
    aspect: float = 1.0
    region: tuple[float, float, float, float] | None = None
    components: str = "OfxImageComponentRGBA"
    field: str = "OfxFieldNone"
    abort_after: int = -1
    starve_after: int = -1


@dataclass(frozen=True)
class Rendered:
    """`pixels`: the output image, bottom row first; `between`: what lies between its rows."""

    status: int
    pixels: np.ndarray
    between: np.ndarray
    images_out: int


class Host:
    """A host that has loaded the bundle and described it. Destroys, unloads and ends with the `with` block.

    Raises AssertionError with what a sanitizer said.
    """

    def __init__(self, folder: Path, *, context: str = "OfxImageEffectContextFilter") -> None:
        self._process = subprocess.Popen(
            [folder / "host" / "ofx_host"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._instances: set[str] = set()
        binary = folder / "MaskEdit.ofx.bundle/Contents/Linux-x86-64/MaskEdit.ofx"
        self.loaded = self.ask("load", path=binary)
        self.described = self.ask("describe", context=context)

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            for name in sorted(self._instances):
                self.destroy(name)
            assert self.ask("act", name="OfxActionUnload")["status"] == OK
        said = self._process.communicate()[1]
        if kind is None and (self._process.returncode or said):
            raise AssertionError(said.decode(errors="replace"))

    def ask(self, command: str, raw: bytes = b"", **words: Any) -> dict[str, Any]:
        """Send a command, read its answer."""
        line = "\t".join([command, *(f"{name}={value}" for name, value in words.items())])
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        try:
            stdin.write(line.encode() + b"\n" + raw)
            stdin.flush()
        except BrokenPipeError:
            pass
        answer = stdout.readline()
        if not answer:
            raise AssertionError(self._process.communicate()[1].decode(errors="replace"))
        answer = json.loads(answer)
        assert "error" not in answer, answer
        return answer

    def create(self, name: str = "one", **params: Any) -> None:
        """A new instance, with these parameters."""
        assert self.ask("create", instance=name)["status"] == OK
        self._instances.add(name)
        self.set(name, **params)

    def set(self, name: str = "one", **params: Any) -> None:
        """Change parameters of an instance."""
        for param, value in params.items():
            self.ask("set", instance=name, param=param, value=value)

    def destroy(self, name: str = "one") -> None:
        """End an instance."""
        assert self.ask("destroy", instance=name)["status"] == OK
        self._instances.remove(name)

    def is_identity(self, time: float = 0, name: str = "one") -> bool:
        """What IsIdentity answers; if yes, it has to be the source at the same time."""
        answer = self.ask("identity", instance=name, time=time)
        assert answer["status"] in (OK, DEFAULT)
        if answer["status"] == OK:
            assert answer["out"] == {"OfxPropName": ["Source"], "OfxPropTime": [time]}
        return answer["status"] == OK

    def render(self, request: Request, name: str = "one") -> Rendered:
        """One render."""
        depth, dtype = DEPTHS[request.depth]
        at, to = request.source_at, request.output_at or request.source_at
        x1, y1, x2, y2 = at.bounds
        none = ",".join(map(str, (*at.bounds, 0, 0, 0)))
        answer = self.ask(
            "render",
            b"" if request.source is None else at.pack(request.source),
            instance=name,
            time=request.time,
            scale=f"{request.scale[0]!r},{request.scale[1]!r}",
            region=",".join(map(repr, request.region or (x1 * request.aspect, y1, x2 * request.aspect, y2))),
            aspect=repr(request.aspect),
            depth=depth,
            components=request.components,
            alpha=ALPHAS[request.alpha],
            field=request.field,
            window=",".join(map(str, request.window)),
            source=none if request.source is None else at.words(4 * dtype.itemsize),
            output=to.words(4 * dtype.itemsize),
            abort_after=request.abort_after,
            starve_after=request.starve_after,
        )
        assert self._process.stdout
        raw = self._process.stdout.read(answer["bytes"])
        return Rendered(answer["status"], *to.unpack(raw, dtype), answer["images_out"])

    def complaints(self) -> list[str]:
        """What the plug-in did since the last call that a strict host refuses."""
        return self.ask("complaints")["complaints"]
