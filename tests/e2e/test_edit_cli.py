# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job from the command line: real client, server, worker, bundled weights, on a clip of 5 tiny frames."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from tests.e2e.conftest import Installation
from tests.serving import jobs_of

pytestmark = pytest.mark.e2e

QUICK = ("--set", "motion_steps=2", "--set", "appearance_steps=2", "--set", "render_steps=2")
SIZE, FRAMES = 64, 5
INSIDE = np.s_[20:44, 20:44]


def moving_texture(frames: int = FRAMES, height: int = SIZE, width: int = SIZE) -> np.ndarray:
    """(T, H, W, 3) uint8: a smooth pattern that drifts."""
    time, y, x = np.mgrid[:frames, :height, :width].astype(np.float64)
    waves = (np.sin((x + 2 * time) / 5), np.sin((y - time) / 7), np.sin((x + y) / 9))
    return np.stack([127 + 90 * wave for wave in waves], axis=-1).astype(np.uint8)


def white_square(frames: int = FRAMES, height: int = SIZE, width: int = SIZE) -> np.ndarray:
    drawn = np.zeros((frames, height, width, 3), np.uint8)
    drawn[:, *INSIDE] = 255
    return drawn


def write_png(path: Path, picture: np.ndarray) -> Path:
    av.VideoFrame.from_ndarray(picture, format="rgb24").to_image().save(path)
    return path


def decoded(path: Path, pixel_format: str = "rgb24") -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format=pixel_format) for frame in container.decode(video=0)])


@pytest.fixture
def files(write_clip, tmp_path: Path) -> dict[str, Path]:
    """clip, matte, keyframe (frame 0 as it is) and out."""
    frames = moving_texture()
    return {
        "clip": write_clip("clip.mkv", frames),
        "matte": write_clip("matte.mkv", white_square()),
        "keyframe": write_png(tmp_path / "key.png", frames[0]),
        "out": tmp_path / "out.mkv",
    }


Arguments = Callable[..., list[str | Path]]


@pytest.fixture
def edit(files) -> Arguments:
    """The command line of an edit; keyword arguments replace its files."""

    def arguments(*more: str, number: int = 0, **other: str | Path) -> list[str | Path]:
        paths = files | other
        given = ["edit", paths["clip"], "--matte", paths["matte"], "--out", paths["out"], *QUICK, *more]
        return [*given, "--keyframe", f"{number}={paths['keyframe']}"]

    return arguments


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_an_edit_gives_back_the_clips_frames_rate_size_and_everything_outside(maskedit, edit, files):
    done = maskedit(*edit("--json", "--grow", "4", "--feather", "4"))
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["state"] == "SUCCEEDED" and facts["result"] == str(files["out"])
    assert (facts["frames"], facts["rate"], facts["width"], facts["height"]) == (FRAMES, "25/1", SIZE, SIZE)
    assert set(facts["stage_seconds"]) >= {"tune_motion", "tune_appearance", "render"} and not facts["adapter_reused"]
    source, result = decoded(files["clip"]), decoded(files["out"])
    assert source.shape == result.shape
    changed = (source != result).any(axis=(0, 3))
    rows, columns = np.nonzero(changed)
    assert changed.any(), "the model changed nothing at all"
    assert min(rows.min(), columns.min()) >= 20 - 8 and max(rows.max(), columns.max()) < 44 + 8
    with av.open(str(files["out"])) as container:
        assert container.streams.video[0].average_rate == Fraction(25)
    record = json.loads(files["out"].with_suffix(".maskedit.json").read_text())
    assert record["recipe"]["motion_steps"] == 2 and record["model"]["name"] == "bundled"

    again = maskedit(*edit("--json", "--grow", "4", "--feather", "4", out=files["out"].with_name("again.mkv")))
    assert json.loads(again.stdout)["adapter_reused"], again.stderr
    assert np.array_equal(decoded(files["out"].with_name("again.mkv")), result), "the same seed renders another result"

    adapters = json.loads(maskedit("adapters", "list", "--json").stdout)["adapters"]
    exported = files["out"].with_name("shot.safetensors")
    assert maskedit("adapters", "export", adapters[0]["adapter_id"], "--out", exported).returncode == 0
    assert exported.stat().st_size == adapters[0]["size_bytes"] > 0

    # The clip's motion goes to another tool and comes home: an edit that starts from it has no stage 1 of its own.
    (motion,) = [one["adapter_id"] for one in adapters if one["metadata"]["stage"] == "tune_motion"]
    foreign = files["out"].with_name("kohya.safetensors")
    assert maskedit("adapters", "export", motion[:12], "--out", foreign, "--format", "kohya").returncode == 0
    imported = json.loads(maskedit("adapters", "import", foreign, "--json").stdout)["adapter_id"]
    beside = f"{adapters[0]['adapter_id']}:beside@0.1"
    more = ("--adapter", imported[:12], "--adapter", beside, "--set", "motion_steps=0", "--json")
    started = maskedit(*edit(*more, out=files["out"].with_name("started.mkv")))
    facts = json.loads(started.stdout.splitlines()[-1])
    assert facts["adapter_reused"] and "tune_appearance" in facts["stage_seconds"], started.stderr
    assert "tune_motion" not in facts["stage_seconds"]
    assert maskedit("adapters", "delete", imported).returncode == 0
    adapters = json.loads(maskedit("adapters", "list", "--json").stdout)["adapters"]
    assert maskedit("adapters", "delete", adapters[0]["adapter_id"]).returncode == 0
    left = json.loads(maskedit("adapters", "list", "--json").stdout)["adapters"]
    assert left == adapters[1:]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_ten_bit_clip_of_odd_size_becomes_a_sequence_with_a_range(maskedit, edit, write_clip, tmp_path):
    frames = moving_texture(6, 75, 65)
    clip = write_clip("odd.mkv", frames, pixel_format="yuv422p10le")
    matte = write_clip("odd-matte.mkv", white_square(6, 75, 65))
    key = write_png(tmp_path / "odd.png", decoded(clip)[2])
    out = tmp_path / "frames.%04d.png"
    done = maskedit(*edit("--frames", "1-5", "--json", number=2, clip=clip, matte=matte, keyframe=key, out=out))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 5
    written = sorted(tmp_path.glob("frames.*.png"))
    assert len(written) == 5 and (tmp_path / "frames.maskedit.json").exists()


def test_several_deliverables_and_comps_of_one_draft_lie_side_by_side(maskedit, edit, files, tmp_path):
    out = tmp_path / "takes" / "edited.mkv"
    out.parent.mkdir()
    wanted = ("--deliver", "full", "--deliver", "fill", "--format", "mkv", "--format", "png")
    comps = ("--comp", "nk", "--comp", "fusion")
    done = maskedit(*edit("--preset", "draft", "--frames", "1-3", *wanted, *comps, "--json", number=1, out=out))
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert [each["kind"] for each in facts["deliverables"]] == ["full", "fill", "matte"]
    paths = [Path(each["path"]) for each in facts["deliverables"]]
    assert paths == [out, out.with_name("edited-fill"), out.with_name("edited-matte")]
    for path in paths[1:]:
        numbers = [int(picture.suffixes[-2][1:]) for picture in sorted(path.iterdir())]
        assert numbers == [1, 2, 3]
    assert facts["comps"] == [str(out.with_name("edited.nk")), str(out.with_name("edited.comp"))]
    assert f'file "{paths[1].name}/result-fill.%04d.png"' in out.with_name("edited.nk").read_text()
    assert f'"Comp:/{paths[1].name}/result-fill.0001.png"' in out.with_name("edited.comp").read_text()


def test_a_draft_carries_the_keyframe_along_without_a_model(maskedit, edit, files, tmp_path):
    source = decoded(files["clip"])
    painted = source[0].copy()
    painted[..., 1:] //= 3
    key = write_png(tmp_path / "painted.png", painted)
    done = maskedit(*edit("--preset", "draft", "--grow", "4", "--feather", "4", "--json", keyframe=key))
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["state"] == "SUCCEEDED" and "tune_motion" not in facts["stage_seconds"]
    result = decoded(files["out"])
    outside = np.ones(source.shape[1:3], bool)
    outside[12:52, 12:52] = False
    assert np.array_equal(result[:, outside], source[:, outside])
    # The colours of the painting on the last frame, and its motion: the source's own red, which nobody painted.
    inside = (source.shape[0] - 1, *INSIDE)
    assert np.abs(result[inside][..., 1:].astype(int) - source[inside][..., 1:] // 3).mean() < 6
    assert np.abs(result[inside][..., 0].astype(int) - source[inside][..., 0]).mean() < 6
    assert json.loads(files["out"].with_suffix(".maskedit.json").read_text())["model"] is None


@pytest.fixture
def trusting(tmp_path: Path) -> Iterator[Installation]:
    """One whose server reads the test's files where they lie."""
    installation = Installation(tmp_path / "data")
    installation.environment["MASKEDIT_MEDIA_ROOTS"] = json.dumps([str(tmp_path)])
    yield installation
    installation.stop()


def test_a_clip_that_changes_while_its_edit_waits_is_refused(trusting, edit, files, write_clip, tmp_path):
    maskedit, painted = trusting, write_png(tmp_path / "painted.png", decoded(files["clip"])[0] // 2)
    assert maskedit("jobs", "pause").returncode == 0
    process = subprocess.Popen(
        [*maskedit.command, *map(str, edit("--preset", "draft", keyframe=painted))],
        env=maskedit.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while "QUEUED" not in maskedit("jobs", "list", "--json").stdout:
            assert process.poll() is None
        write_clip("clip.mkv", moving_texture()[::-1])
    finally:
        assert maskedit("jobs", "resume").returncode == 0
    _, words = process.communicate(timeout=60)
    assert process.returncode and "clip.mkv is not the file any more that the edit was made for" in words, words
    assert not files["out"].exists()


def test_without_a_matte_the_region_is_what_the_keyframe_changes(maskedit, files, tmp_path):
    source = decoded(files["clip"])
    painted = source[0].copy()
    painted[INSIDE] = 255 - painted[INSIDE]
    key = write_png(tmp_path / "painted.png", painted)
    given = ("edit", files["clip"], "--keyframe", f"0={key}", "--out", files["out"], "--preset", "draft", "--json")
    done = maskedit(*given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "SUCCEEDED"
    traced = decoded(tmp_path / "out-traced.mkv", "gray16le")
    assert len(traced) == FRAMES and (traced[0][INSIDE] > 60000).all()
    changed = (decoded(files["out"]) != source).any(axis=3)
    assert all(frame[INSIDE].mean() > 0.8 for frame in changed) and not changed[:, :8, :8].any()
    # What it made is a matte like any other.
    done = maskedit(*given, "--matte", tmp_path / "out-traced.mkv")
    assert done.returncode == 0, done.stderr
    # And a keyframe that changes nothing is refused before anything is computed.
    done = maskedit("edit", files["clip"], "--keyframe", f"0={files['keyframe']}", "--out", files["out"])
    assert done.returncode == 2 and "Keyframe 0 shows what the clip shows" in done.stderr


@pytest.mark.timeout(120)
def test_ctrl_c_stops_the_work_within_two_seconds(maskedit, edit):
    process = subprocess.Popen(
        [*maskedit.command, *map(str, edit("--set", "motion_steps=100000", "--json"))],
        env=maskedit.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "Learning the shot's motion" in line:
            break
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, words = process.communicate(timeout=20)
    # The work itself stops within 2 s; five times that, because this machine may be busy with other things.
    assert time.monotonic() - began < 10, words
    assert process.returncode == 130 and "Traceback" not in words
    assert json.loads(said)["state"] == "CANCELLED"
    workers = subprocess.run(
        ["pgrep", "-f", f"bridge_server.worker.*{maskedit.data_dir}"], capture_output=True, text=True
    )
    # One that answered the cancel may wait for the next edit; none does this one any more.
    assert not any(jobs_of(psutil.Process(int(pid))) for pid in workers.stdout.split())


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, one helpful sentence, no traceback, nothing on stdout."""
    assert done.returncode == 2, done.stdout + done.stderr
    sentences = [line for line in done.stderr.splitlines() if line]
    assert len(sentences) == 1 and sentences[0].endswith(".") and "Traceback" not in done.stderr, done.stderr
    for word in words:
        assert word in sentences[0], sentences[0]


def roto(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "roto.json"
    path.write_text(text)
    return path


def test_missing_files_are_refused(maskedit, edit, tmp_path):
    for name in ("clip", "matte", "keyframe"):
        refused(maskedit(*edit(**{name: tmp_path / "gone.png"})), "gone.png")


def test_a_clip_that_is_no_video_is_refused_by_its_name(maskedit, edit, tmp_path):
    text = tmp_path / "letter.mov"
    text.write_text("Dear editor")
    refused(maskedit(*edit(clip=text)), "letter.mov")


def test_an_empty_matte_is_refused(maskedit, edit, write_clip):
    refused(maskedit(*edit(matte=write_clip("empty.mkv", 0 * white_square()))), "empty")


def test_a_matte_of_another_length_is_refused(maskedit, edit, write_clip):
    refused(maskedit(*edit(matte=write_clip("short.mkv", white_square(3)))), "3", "5")


def test_a_matte_of_another_aspect_is_refused(maskedit, edit, write_clip):
    refused(maskedit(*edit(matte=write_clip("wide.mkv", white_square(FRAMES, 64, 128)))), "128")


def test_a_matte_of_another_scale_is_accepted(maskedit, edit, write_clip):
    # The keyframe's wrong number is what is refused, after the matte.
    refused(maskedit(*edit(matte=write_clip("half.mkv", white_square(FRAMES, 128, 128)), number=7)), "Keyframe 7")


def test_a_keyframe_of_another_size_is_refused(maskedit, edit, tmp_path):
    refused(maskedit(*edit(keyframe=write_png(tmp_path / "s.png", moving_texture()[0, :32]))), "64x32", "64x64")


def test_a_keyframe_outside_the_clip_is_refused(maskedit, edit):
    refused(maskedit(*edit(number=99)), "99")


@pytest.mark.parametrize("text", ["not json", "{}", '{"format": "maskedit-roto", "version": 1, "size": [64, 64]}'])
def test_a_malformed_roto_is_refused(maskedit, edit, tmp_path, text):
    refused(maskedit(*edit(matte=roto(tmp_path, text))), "roto.json")


def test_frames_in_reverse_or_beyond_the_clip_are_refused(maskedit, edit):
    refused(maskedit(*edit("--frames", "4-1")), "4-1")
    refused(maskedit(*edit("--frames", "0-40")), "0-40")


def test_an_unknown_model_is_refused(maskedit, edit):
    refused(maskedit(*edit("--model", "wan-99")), "wan-99", "bundled")


def test_an_output_that_cannot_be_written_is_refused(maskedit, edit, tmp_path):
    refused(maskedit(*edit(out=tmp_path / "nowhere" / "out.mkv")), "nowhere")


def test_a_clip_of_one_frame_is_refused(maskedit, edit, write_clip):
    one = write_clip("one.mkv", moving_texture(1))
    refused(maskedit(*edit(clip=one, matte=write_clip("one-matte.mkv", white_square(1)))), "one.mkv", "one frame")


def facts_of(maskedit, clip: Path, files: dict[str, Path]):
    """What the server's check finds of an edit of `clip`, without running it."""
    from plugin_client.core.connection import Connection
    from plugin_client.core.jobs import Jobs
    from plugin_client.core.local_server import ensure_server
    from plugin_client.core.requests import EditOptions, MatteFile, Picture, build_edit, references_of
    from plugin_client.core.upload import make_available

    options = EditOptions(
        clip=str(clip),
        mattes=(MatteFile(path=str(files["matte"])),),
        keyframes=(Picture(frame=0, path=str(files["keyframe"])),),
    )
    request = build_edit(options)
    with Connection(lambda: ensure_server(maskedit.data_dir)) as connection:
        make_available(connection, references_of(request))
        return Jobs(connection).check(request).facts


def test_ten_bit_alpha_and_variable_rate_clips_are_accepted(maskedit, files, write_clip):
    frames = moving_texture()
    ten_bit = facts_of(maskedit, write_clip("ten.mkv", frames, pixel_format="yuv422p10le"), files)
    assert (ten_bit.pixel_format, ten_bit.bit_depth) == ("yuv422p10le", 10)
    with_alpha = np.concatenate([frames, np.full_like(frames[..., :1], 200)], axis=-1)
    alpha = facts_of(maskedit, write_clip("alpha.mkv", with_alpha, pixel_format="bgra"), files)
    assert alpha.pixel_format == "bgra" and alpha.alpha_mode != 1
    variable = facts_of(maskedit, write_clip("vfr.mkv", frames, pts=[0, 1, 4, 5, 9]), files)
    assert variable.variable_rate and variable.frame_count == FRAMES


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_demo_leaves_what_it_promises(maskedit, tmp_path):
    done = maskedit("demo", "--out", tmp_path / "demo", *QUICK)
    assert done.returncode == 0, done.stderr
    promised = {"source.mp4", "matte.mkv", "keyframe.png", "result.mkv", "compare.png", "scorecard.json"}
    out = tmp_path / "demo"
    assert {path.name for path in out.iterdir()} == promised | {"result.maskedit.json"}
    assert all(str(out / name) in done.stdout for name in promised)
    source, result, matte = (decoded(out / name) for name in ("source.mp4", "result.mkv", "matte.mkv"))
    assert source.shape == result.shape == matte.shape
    assert 0 < (matte > 127).mean() < 0.5
    scores = json.loads((out / "scorecard.json").read_text())["scores"]
    assert scores["samples_changed_outside"] == 0
    assert scores["result_psnr"] is not None
