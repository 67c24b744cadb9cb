# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way: the zip as it is given out, installed in a real Blender; a server with the bundled model, which the
add-on starts; a cut that the documented example edits and saves; and what Blender then renders.

The clip's frames have their numbers drawn into them, and the mask follows a square that moves one pixel per frame: a
result that is one frame or one pixel off shows.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.hosts.blender.inside import making

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "blender_headless.py"
CLIP_FRAMES = 40
FIRST, FRAMES = 9, 8  # of the clip
AT = 20  # on the timeline
KEYFRAME = 12
MEDIA = range(FIRST, FIRST + FRAMES)
ROOM = 2  # px between the square and the mask's edge
PAINTED = (40, 90, 220)
STEPS = ("motion_steps=2", "appearance_steps=2", "render_steps=2")
AS_DRAWN = ("grow_px=0", "feather_px=0", "smooth_frames=0")
SOFT = 2  # px that Blender softens the edge of a mask by, to either side
LOOSE = 8  # px that the method's own margin reaches beyond the mask at most

Pictures = dict[int, np.ndarray]
Start = Callable[..., subprocess.CompletedProcess[str]]
SYSTEM_BLENDER = shutil.which("blender")
LEGACY_MODULE = "maskedit_blender"


def box_at(number: int) -> tuple[int, int, int, int]:
    """The mask in picture `number`: left, top, right and bottom, the latter two beyond its last pixel."""
    left, top, side = making.square_at(number)
    return left - ROOM, top - ROOM, left + side + ROOM, top + side + ROOM


def corners_at(number: int) -> list[tuple[int, int]]:
    left, top, right, bottom = box_at(number)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the server lives that the first Blender starts and the others find; it is stopped at the end."""
    folder = tmp_path_factory.mktemp("data")
    yield folder
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(json.loads((folder / "server.json").read_text())["pid"], signal.SIGTERM)


class Editor:
    """Somebody at a Blender with a settings folder of its own, and with nothing that the zip has not brought.

    `start`: runs that Blender with a script and what stands behind its `--`.
    """

    def __init__(self, start: Start, folder: Path) -> None:
        self._start, self._folder = start, folder

    def runs(self, script: Path, *arguments: str | Path) -> None:
        ran = self._start(script, "--", *arguments)
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
        # A second Blender at work must not take away what the zip has brought.
        assert list((self._folder / "user").rglob("grpc/__init__.py"))

    def cuts(self, archive: Path, clip: Path) -> Path:
        """A file with the strip Plate, the mask Cap and a frame to paint, saved."""
        keys = {AT: corners_at(FIRST), AT + FRAMES - 1: corners_at(FIRST + FRAMES - 1)}
        facts = {
            "at": AT, "first": FIRST, "frames": FRAMES, "size": making.SIZE, "mask": keys,
            "paint_at": AT + KEYFRAME - FIRST, "legacy": LEGACY_MODULE,
        }  # fmt: skip
        cut = self._folder / "cut.blend"
        self.runs(HERE / "scripts" / "round_trip_cut.py", archive, clip, cut, json.dumps(facts))
        return cut

    def paints(self) -> None:
        """Give the square of the exported frame another colour, and save it in its place."""
        (exported,) = (self._folder / "maskedit" / "painted").glob("*.png")
        picture = making.read_picture(exported, "rgb24")
        np.testing.assert_allclose(picture.astype(int), making.numbered_picture(KEYFRAME), atol=2)
        left, top, side = making.square_at(KEYFRAME)
        picture[top : top + side, left : left + side] = PAINTED
        making.write_picture(exported, picture)

    def edits(self, cut: Path, deliver: str, *settings: str) -> Path:
        """The documented example, run on `cut`, with the frame that is painted there."""
        edited = cut.with_name(f"{cut.stem}-{deliver}.blend")
        chosen = [part for setting in (*STEPS, *settings) for part in ("--set", setting)]
        self.runs(
            EXAMPLE, cut, "--strip", "Plate", "--matte", "mask:Cap", "--prompt", "a blue cap", "--seed", "7",
            "--deliver", deliver, "--out", edited, *chosen,
        )  # fmt: skip
        return edited

    def is_refused(self, cut: Path, *arguments: str) -> str:
        """What the example says instead."""
        ran = self._start(EXAMPLE, "--", cut, *arguments)
        assert ran.returncode == 1, ran.stdout[-4000:]
        return ran.stderr

    def renders(self, cut: Path, frames: range = range(AT, AT + FRAMES)) -> tuple[Pictures, dict[str, dict]]:
        """What Blender shows at each of the cut's frames, int (H, W, 3), and the strips by name."""
        folder = self._folder / cut.stem
        folder.mkdir()
        self.runs(HERE / "scripts" / "round_trip_render.py", cut, folder)
        pictures = {frame: making.read_picture(folder / f"{frame:04d}.png").astype(int) for frame in frames}
        return pictures, json.loads((folder / "strips.json").read_text())


def environment(folder: Path, data_dir: Path) -> dict[str, str]:
    """User folders in `folder` for every version of Blender, and a machine on which MaskEdit is installed."""
    user = folder / "user"
    command = f"{sys.executable} -m plugin_client.cli.main"
    return {
        "HOME": str(user), "BLENDER_USER_RESOURCES": str(user), "BLENDER_USER_CONFIG": str(user / "config"),
        "BLENDER_USER_SCRIPTS": str(user / "scripts"),
        "MASKEDIT_DATA_DIR": str(data_dir), "MASKEDIT_COMMAND": command,
    }  # fmt: skip


@pytest.fixture
def editor(blender, data_dir, tmp_path) -> Editor:
    """Somebody at one version of Blender."""
    settings = environment(tmp_path, data_dir)
    return Editor(lambda *arguments: blender.run(*arguments, seconds=120, paths=(), **settings), tmp_path)


def test_a_cut_comes_back_with_the_edit_on_the_track_above(editor, extension_zip, tmp_path):
    clip = making.numbered_clip(tmp_path / "plate.mov", CLIP_FRAMES)
    cut = editor.cuts(extension_zip, clip)
    shown, before = editor.renders(cut)
    assert [making.drawn_number(each) for each in shown.values()] == list(MEDIA)

    assert "is not painted yet: change and save it" in editor.is_refused(cut, "--strip", "Plate", "--matte", "mask:Cap")
    editor.paints()
    patched = editor.edits(cut, "patch", *AS_DRAWN)
    shown_patched, strips = editor.renders(patched)
    assert {name: strips[name] for name in before} == before, "the edit has touched what was there"
    check_patch(result_among(strips, before, channel=4), shown, shown_patched, patched.parent)

    finished = editor.edits(patched, "full")
    shown_full, more = editor.renders(finished)
    muted = {name: strips[name] | ({} if name in before else {"mute": True}) for name in strips}
    assert {name: more[name] for name in strips} == muted, "only the take before is muted"
    check_full(result_among(more, strips, channel=5), shown, shown_full, finished.parent)


@pytest.mark.skipif(SYSTEM_BLENDER is None, reason="the system has no Blender of its own")
def test_it_does_in_the_systems_own_blender(extension_zip, data_dir, tmp_path):
    """The program and not the module; where it is older than 4.2, with the zip for those."""

    def start(script, *arguments):
        command = [SYSTEM_BLENDER, "--background", "--python-exit-code", "1", "--python", script, *arguments]
        settings = os.environ | environment(tmp_path, data_dir)
        return subprocess.run(list(map(str, command)), env=settings, capture_output=True, text=True, timeout=120)

    version = subprocess.run([SYSTEM_BLENDER, "--version"], capture_output=True, text=True, check=True).stdout
    is_legacy = tuple(map(int, version.split()[1].split(".")[:2])) < (4, 2)
    legacy_zip = next(extension_zip.parent.glob("maskedit-blender-legacy-*.zip"))
    clip = making.numbered_clip(tmp_path / "plate.mov", CLIP_FRAMES)
    editor = Editor(start, tmp_path)
    cut = editor.cuts(legacy_zip if is_legacy else extension_zip, clip)
    shown, before = editor.renders(cut)
    editor.paints()
    patched = editor.edits(cut, "patch", *AS_DRAWN)
    shown_patched, strips = editor.renders(patched)
    check_patch(result_among(strips, before, channel=4), shown, shown_patched, patched.parent)


def test_pictures_meta_strips_and_scenes_come_back_too(editor, extension_zip, tmp_path):
    length, number_at = 5, {"Pictures": 102, "Meta": 3, "Nested": 4}
    painted = {}
    for name, number in number_at.items():
        picture = making.numbered_picture(number + 1)
        left, top, side = making.square_at(number + 1)
        picture[top : top + side, left : left + side] = PAINTED
        # Frames count from the first file of pictures, and from the first that is rendered of what has no file.
        frame = 3 if name == "Pictures" else 1
        painted[name] = f"{frame}={making.write_picture(tmp_path / f'{name}.png', picture)}"
    facts = {
        "clip": str(making.numbered_clip(tmp_path / "clip.mov", 14)),
        "pictures": [str(path) for path in making.numbered_sequence(tmp_path / "plates", range(100, 110))],
        "size": making.SIZE, "mask": [(8, 20), (70, 20), (70, 44), (8, 44)], "length": length, "painted": painted,
    }  # fmt: skip
    cut = tmp_path / "cut.blend"
    editor.runs(HERE / "scripts" / "round_trip_kinds.py", extension_zip, cut, json.dumps(facts))
    shown, strips = editor.renders(cut, frames=range(10, 50 + length))
    for name, at in (("Pictures", 10), ("Meta", 30), ("Nested", 50)):
        (result,) = (strip for strip in strips.values() if strip["job"] and strip["start"] == at)
        assert (result["channel"], result["length"]) == (2, length)
        for index in range(length):
            number = number_at[name] + index
            picture, plain = shown[at + index], making.numbered_picture(number).astype(int)
            assert making.drawn_number(picture) == number
            outside = np.ones(picture.shape[:2], bool)
            outside[20 - LOOSE : 44 + LOOSE, 8 - LOOSE : 70 + LOOSE] = False
            np.testing.assert_allclose(picture[outside], plain[outside], atol=2)
            left, top, side = making.square_at(number)
            middle = picture[top + side // 2, left + side // 2]
            assert np.abs(middle - PAINTED).max() < np.abs(middle - making.SQUARE_COLOUR).max(), (name, index, middle)


def result_among(strips: dict[str, dict], before: dict[str, dict], *, channel: int) -> dict:
    """The one new strip: on the first free channel above the source, with its start and length, its job and prompt."""
    ((name, result),) = ((name, strip) for name, strip in strips.items() if name not in before)
    assert "a blue cap" in name and "7" in name
    assert (result["channel"], result["start"], result["length"]) == (channel, AT, FRAMES)
    assert result["job"] and not result["mute"]
    assert result["path"].startswith("//"), "the file moves without its results"
    return result


def check_patch(strip: dict, shown: Pictures, patched: Pictures, folder: Path) -> None:
    """Straight alpha that follows the mask to the pixel, blended as straight, and nothing anywhere else."""
    assert (strip["blend"], strip["alpha"]) == ("ALPHA_OVER", "STRAIGHT")
    files = [folder / strip["path"].removeprefix("//") / name for name in strip["files"]]
    assert len(files) == FRAMES
    for number, file, without, with_patch in zip(MEDIA, files, shown.values(), patched.values(), strict=True):
        patch = making.read_picture(file, "rgba64le") / 65535
        alpha = patch[..., 3:]
        check_alpha(alpha[..., 0], number)
        outside = alpha[..., 0] == 0
        assert (patch[outside] == 0).all()
        np.testing.assert_array_equal(with_patch[outside], without[outside])
        blended = without * (1 - alpha) + patch[..., :3] * 255 * alpha
        np.testing.assert_allclose(with_patch, blended, atol=2)
        assert ((alpha > 0.2) & (alpha < 0.8)).any(), "no soft edge to see how it is blended"
        if number == KEYFRAME:
            left, top, side = making.square_at(number)
            square = with_patch[top : top + side, left : left + side]
            np.testing.assert_allclose(square, np.broadcast_to(PAINTED, square.shape), atol=2)


def check_alpha(alpha: np.ndarray, number: int) -> None:
    """(H, W), 0 to 1: the mask as it was drawn in that picture, to half a pixel, but for Blender's own soft edge."""
    left, top, right, bottom = box_at(number)
    assert (alpha[top + SOFT : bottom - SOFT, left + SOFT : right - SOFT] == 1).all()
    beyond = np.ones(alpha.shape, bool)
    beyond[top - SOFT : bottom + SOFT, left - SOFT : right + SOFT] = False
    assert not alpha[beyond].any()
    y, x = np.indices(alpha.shape) + 0.5
    centre = (alpha * x).sum() / alpha.sum(), (alpha * y).sum() / alpha.sum()
    assert centre == pytest.approx(((left + right) / 2, (top + bottom) / 2), abs=0.5)


def check_full(strip: dict, shown: Pictures, finished: Pictures, folder: Path) -> None:
    """The source's own frames by number, identical wherever the mask with its margin is not."""
    media = folder / strip["path"].removeprefix("//")
    assert making.numbers_of(media) == list(MEDIA) and making.rate_of(media) == making.NTSC_FILM
    for number, picture, without, with_full in zip(
        MEDIA, making.read_pictures(media), shown.values(), finished.values(), strict=True
    ):
        assert making.drawn_number(with_full) == number
        left, top, right, bottom = box_at(number)
        outside = np.ones(picture.shape[:2], bool)
        outside[top - LOOSE : bottom + LOOSE, left - LOOSE : right + LOOSE] = False
        np.testing.assert_array_equal(picture[outside], making.numbered_picture(number)[outside])
        np.testing.assert_allclose(with_full[outside], without[outside], atol=2)
        assert (picture[~outside] != making.numbered_picture(number)[~outside]).any()
