# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's options: what they mean, and that each misuse is one sentence and exit code 2."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_server.rpc.translate import from_proto
from maskedit.request import EditRequest, Origin, WorkingColour
from plugin_client.cli import main as cli
from plugin_client.cli.destination import check_beside, check_out, deliverables_of, format_of
from plugin_client.cli.edit import options_from
from plugin_client.cli.numbering import Counted, Timecoded, numbering_of
from plugin_client.cli.parsing import picture_at, split_keyframe
from plugin_client.core.errors import BadInput
from plugin_client.core.requests import SETTINGS, EditOptions, MatteFile, build_edit, parse_setting, references_of
from plugin_client.core.timeline import FrameRange


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a clip, a matte and a picture, as the current folder; no server is ever started."""
    for name in ("clip.mov", "matte.json", "hand.mov", "shadow.mov", "key.png"):
        (tmp_path / name).write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MASKEDIT_SERVER", "127.0.0.1:1")
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def parse(*more: str, out: str = "out.mkv"):
    given = ["edit", "clip.mov", "--matte", "matte.json", "--out", out, *more]
    if not any(part.startswith("--keyframe") for part in more):
        given += ["--keyframe", "0=key.png"]
    return cli.build_parser().parse_args(given)


def test_every_option_reaches_the_wire(files):
    options = options_from(
        parse(
            *("--keyframe", "12=key.png@640,120,256x200", "--keyframe=3=key.png", "--frames", "2-30"),
            *("--model", "wan", "--preset", "best", "--prompt", "a red car", "--seed", "7"),
            *("--subtract", "hand.mov", "--matte", "shadow.mov", "--matte-channel", "alpha", "--invert-matte"),
            *(
                "--grow",
                "0",
                "--feather",
                "9",
                "--loosen",
                "hull",
                "--smooth",
                "0",
                "--format",
                "mov",
                "--deliver",
                "patch",
            ),
            *("--set", "motion_steps=2", "--set", "guidance=1.5"),
            *("--adapter", "abc123", "--adapter", "def456:beside@0.75", "--adapter", "0123:start@.5"),
            out="out.mov",
        )
    )
    edit = build_edit(options)
    assert [keyframe.frame for keyframe in edit.keyframes] == [12, 3]
    extent = edit.keyframes[0].extent
    assert (extent.x, extent.y, extent.width, extent.height) == (640, 120, 256, 200)
    assert not edit.keyframes[1].HasField("extent")
    assert (edit.frames.first, edit.frames.last) == (2, 30)
    assert (edit.model, edit.prompt, edit.seed, edit.name) == ("wan", "a red car", 7, "clip.mov")
    (region,) = edit.regions
    assert [matte.subtract for matte in region.mattes] == [False, True, False]
    assert {(matte.channel, matte.invert, matte.purpose) for matte in region.mattes} == {(3, True, 1)}
    assert region.loosening == 3 and region.HasField("smooth_frames") and region.smooth_frames == 0
    assert region.HasField("grow_px") and region.grow_px == 0 and region.feather_px == 9
    assert edit.settings.motion_steps == 2 and edit.settings.guidance == 1.5
    assert not edit.settings.HasField("rank")
    adapters = [(use.adapter_id, use.role, use.strength) for use in edit.adapters]
    assert adapters == [("abc123", 1, 1.0), ("def456", 2, 0.75), ("0123", 1, 0.5)]
    (deliverable,) = edit.deliverables
    assert (deliverable.kind, deliverable.format, edit.preset) == (2, 2, 4)
    names = ["clip.mov", "matte.json", "hand.mov", "shadow.mov", "key.png", "key.png"]
    assert [one.display_name for one in references_of(edit)] == names
    assert all(os.path.isabs(location) for one in references_of(edit) for location in one.locations)


def test_a_matte_says_which_part_of_the_clip_it_covers(files):
    whole, start = MatteFile("hand.mov"), MatteFile("hand.mov", first_frame=0)
    (region,) = build_edit(EditOptions(clip="clip.mov", mattes=(whole, start), keyframes=())).regions
    assert [matte.HasField("first_frame") for matte in region.mattes] == [False, True]


def test_mattes_have_their_purpose_on_the_wire(files):
    edit = build_edit(options_from(parse("--holdout", "hand.mov", "--composite", "shadow.mov", "--invert-matte")))
    (region,) = edit.regions
    assert [(matte.purpose, matte.invert) for matte in region.mattes] == [(1, True), (3, False), (2, False)]
    assert region.composite == 1
    for name, number in (("found", 1), ("drawn", 2)):
        (region,) = build_edit(options_from(parse("--composite", name))).regions
        assert region.composite == number and len(region.mattes) == 1
    assert [one.display_name for one in references_of(edit)][1:4] == ["matte.json", "hand.mov", "shadow.mov"]


def test_an_edit_without_a_matte_has_a_region_all_the_same(files):
    given = ["edit", "clip.mov", "--keyframe", "0=key.png", "--out", "out.mkv"]
    (region,) = build_edit(options_from(cli.build_parser().parse_args(given))).regions
    assert not region.mattes
    with pytest.raises(BadInput, match="has nothing to take away from"):
        options_from(cli.build_parser().parse_args([*given, "--subtract", "hand.mov"]))


def test_what_is_left_out_is_left_to_the_preset(files):
    edit = build_edit(options_from(parse()))
    assert not edit.HasField("frames") and edit.model == ""
    (region,) = edit.regions
    assert not any(region.HasField(name) for name in ("grow_px", "feather_px", "smooth_frames"))
    assert region.loosening == 1 and [(matte.channel, matte.invert) for matte in region.mattes] == [(1, False)]
    assert not edit.settings.ListFields() and not edit.adapters


def test_the_clips_colour_is_the_users_word_or_left_to_its_tags(files):
    said = from_proto(build_edit(options_from(parse("--colour", "slog3:full"))), EditRequest).working_colour
    assert (said.name, said.origin) == ("slog3:full", Origin.USER)
    assert from_proto(build_edit(options_from(parse())), EditRequest).working_colour == WorkingColour()


def test_a_model_folder_means_the_same_from_everywhere(files):
    assert options_from(parse("--model", "./weights")).model == str(files / "weights")
    assert options_from(parse("--model", "bundled")).model == "bundled"


BAD_USAGE = {
    "no verb": [],
    "unknown verb": ["frobnicate"],
    "nothing to edit": ["edit"],
    "missing clip": ["edit", "gone.mov", "--matte", "matte.json", "--keyframe", "0=key.png", "--out", "o.mkv"],
    "missing matte": ["edit", "clip.mov", "--matte", "gone.json", "--keyframe", "0=key.png", "--out", "o.mkv"],
    "missing keyframe": ["edit", "clip.mov", "--matte", "matte.json", "--keyframe", "0=gone.png", "--out", "o.mkv"],
    "matte is a folder": ["edit", "clip.mov", "--matte", ".", "--keyframe", "0=key.png", "--out", "o.mkv"],
    "keyframe without number": ["--keyframe", "key.png"],
    "keyframe without picture": ["--keyframe", "3="],
    "keyframe number is no number": ["--keyframe", "x=key.png"],
    "keyframe number negative": ["--keyframe", "-1=key.png"],
    "keyframe twice": ["--keyframe", "1=key.png", "--keyframe", "1=key.png"],
    "frames reversed": ["--frames", "9-3"],
    "frames no range": ["--frames", "all"],
    "unknown preset": ["--preset", "quick"],
    "unknown setting": ["--set", "steps=3"],
    "setting without value": ["--set", "motion_steps"],
    "setting no whole number": ["--set", "motion_steps=2.5"],
    "setting not finite": ["--set", "learning_rate=nan"],
    "setting beyond the wire": ["--set", "rank=99999999999"],
    "seed beyond the wire": ["--seed", "99999999999999999999"],
    "seed no number": ["--seed", "lucky"],
    "grow negative": ["--grow", "-2"],
    "smooth negative": ["--smooth", "-1"],
    "unknown loosening": ["--loosen", "circle"],
    "unknown channel": ["--matte-channel", "red"],
    "missing holdout": ["--holdout", "gone.mov"],
    "neither a composite nor its name": ["--composite", "best"],
    "missing matte to subtract": ["--subtract", "gone.mov"],
    "out: a matte to subtract": ["--subtract", "hand.mov", "--out", "hand.mov"],
    "sequence numbers of a file": ["--frame-base", "file"],
    "two numberings": ["--frame-base", "file", "--timecode"],
    "adapter without id": ["--adapter", ":beside"],
    "adapter of unknown role": ["--adapter", "abc123:above"],
    "adapter of no strength": ["--adapter", "abc123@strong"],
    "out: unknown ending": ["--out", "result.avi"],
    "out: no ending": ["--out", "result"],
    "out: folder missing": ["--out", "nowhere/result.mkv"],
    "out: is a folder": ["--out", "."],
    "out: is the clip": ["--out", "./clip.mov"],
    "out: disagrees with format": ["--out", "o.mkv", "--format", "mov"],
    "out: one picture for a sequence": ["--out", "o.png"],
    "out: sequence over a file": ["--out", "key.png", "--format", "png"],
    "out: among the sources": ["--out", ".", "--format", "png"],
    "server address": ["--server", "localhost"],
    "server port": ["--server", "localhost:0"],
    "certificate missing": ["--tls-ca", "gone.pem"],
    "token file missing": ["--token-file", "gone"],
}


@pytest.mark.parametrize("name", BAD_USAGE)
def test_bad_usage_is_one_sentence_and_exit_code_2(name, files, capsys):
    given = BAD_USAGE[name]
    if given and given[0].startswith("--"):
        given = ["edit", "clip.mov", "--matte", "matte.json", "--out", "o.mkv", "--keyframe", "0=key.png", *given]
        if "twice" not in name and "--keyframe" in given[9:]:
            given = given[:6] + given[8:]
    before = sorted(files.iterdir())
    assert cli.main(given) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1 and said.err.endswith(".\n"), said.err
    assert "Traceback" not in said.err and ": " in said.err
    assert sorted(files.iterdir()) == before


def test_a_folder_without_permission_is_refused(files, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(BadInput, match="may not be written to"):
        check_out("o.mkv", "mkv", sources=["clip.mov"])


def test_a_link_to_the_clip_is_the_clip(files):
    (files / "link.mov").symlink_to("clip.mov")
    with pytest.raises(BadInput, match="overwrite a source"):
        check_out("link.mov", "mov", sources=["clip.mov"])


@pytest.mark.parametrize(
    ("out", "chosen", "answer"),
    [
        ("a.mkv", "", "mkv"),
        ("A.MOV", "", "mov"),
        ("a.mefc", "", "cache"),
        ("frames", "png", "png"),
        ("a.%04d.exr", "", "exr"),
        ("v1.2", "mkv", "mkv"),
    ],
)
def test_the_format_follows_the_ending_or_the_option(out, chosen, answer):
    assert format_of(out, chosen) == answer


@pytest.mark.parametrize(
    ("out", "kinds", "formats", "answer"),
    [
        ("a.mkv", [], [], "full mkv"),
        ("a.mov", ["patch"], [], "patch mov"),
        ("a.mov", [], ["v210"], "full v210"),
        ("a.mov", ["full", "patch"], ["v210", "exr"], "full v210, patch exr"),
        ("frames", ["patch", "full"], ["png"], "patch png, full png"),
        ("a.mkv", ["full", "fill"], ["mkv", "mov"], "full mkv, fill mov, matte mov"),
        ("a.mov", ["fill", "matte"], ["mov", "mkv"], "fill mov, matte mkv"),
        ("a.mefc", ["patch"], [], "patch cache"),
        ("a.mkv", ["full", "patch"], ["mkv", "cache"], "full mkv, patch cache"),
    ],
)
def test_deliverables_take_their_formats_in_order_and_a_fill_brings_its_matte(out, kinds, formats, answer):
    wanted = deliverables_of(out, kinds, formats)
    assert ", ".join(f"{each.kind} {each.format}" for each in wanted) == answer


@pytest.mark.parametrize(
    ("clip", "kinds", "formats", "answer"),
    [
        ("shot.mov", [], ["mkv"], "full mkv, patch mov, matte mov"),
        ("shot.%04d.exr", [], ["mkv"], "full mkv, patch exr, matte exr"),
        ("shot.mov", ["full", "fill"], ["mkv", "png"], "full mkv, fill png, matte png"),
        ("shot.mov", ["full", "matte"], ["mkv", "mkv"], "full mkv, matte mkv, patch mov, matte mov"),
    ],
)
def test_a_comp_brings_what_it_reads(clip, kinds, formats, answer):
    wanted = deliverables_of("a.mkv", kinds, formats, comp_of=clip)
    assert ", ".join(f"{each.kind} {each.format}" for each in wanted) == answer


@pytest.mark.parametrize(
    ("kinds", "formats", "comp_of", "words"),
    [
        (["full", "patch", "fill"], ["mkv", "mov"], "", "2 formats do not fit 3"),
        ([], ["mkv", "mov"], "", "2 formats do not fit 1"),
        (["patch", "patch"], [], "", "same kind and format"),
        (["full", "patch"], ["mkv", "mkv"], "a.mov", "cannot read a patch in mkv"),
        (["full", "patch"], ["mkv", "cache"], "a.mov", "cannot read a patch in cache"),
        (["patch", "full"], ["mkv", "cache"], "", "holds a patch and nothing else"),
    ],
)
def test_deliverables_that_do_not_fit_together_are_refused(kinds, formats, comp_of, words):
    with pytest.raises(BadInput, match=words):
        deliverables_of("a.mkv", kinds, formats, comp_of=comp_of)


def test_what_lands_beside_the_result_overwrites_no_source_either(files):
    (files / "o-patch.mov").touch()
    check_beside(files / "o.mkv", deliverables_of("o.mkv", ["full", "patch"], ["mkv", "exr"]), sources=["clip.mov"])
    both = deliverables_of("o.mkv", ["full", "patch"], ["mkv", "mov"])
    with pytest.raises(BadInput, match="overwrite a source"):
        check_beside(files / "o.mkv", both, sources=["o-patch.mov"])


def test_a_numbered_result_may_lie_beside_its_sources_but_never_replace_one(files):
    for number in (1, 2):
        (files / f"shot.{number:04}.exr").touch()
    clip = str(files / "shot.%04d.exr")
    assert check_out("edited.%04d.exr", "exr", sources=[clip]) == files / "edited.%04d.exr"
    for out in ("shot.%04d.exr", "./shot.%03d.exr", "shot.%d.exr"):
        with pytest.raises(BadInput, match="overwrite a source"):
            check_out(out, "exr", sources=[clip])


def test_a_sequence_may_make_its_folder(files):
    assert check_out("frames", "png", sources=["clip.mov"]) == files / "frames"
    with pytest.raises(BadInput, match="does not exist"):
        check_out("new/frames", "png", sources=["clip.mov"])


@given(
    st.integers(0, 10**6), st.text(st.characters(blacklist_characters="@=\0", blacklist_categories=["Cs"]), min_size=1)
)
def test_keyframes_are_read_back_as_written(frame, image):
    assert split_keyframe(f"{frame}={image}") == (str(frame), image)
    assert picture_at(frame, image).path == image
    assert picture_at(frame, f"{image}@1,2,3x4").extent == (1, 2, 3, 4)


def test_a_picture_name_may_hold_an_equals_sign():
    assert split_keyframe("3=a=b.png") == ("3", "a=b.png")


def test_a_sequence_may_be_numbered_by_its_files(tmp_path):
    for number in range(1001, 1011):
        (tmp_path / f"s.{number}.exr").touch()
    numbering = numbering_of(str(tmp_path / "s.%04d.exr"), base="file", timecode=False)
    assert numbering == Counted(first_number=1001)
    assert numbering.frame("1001") == 0 and numbering.range("1003-1005") == FrameRange(2, 4)
    with pytest.raises(BadInput, match="before the clip's first frame"):
        numbering.frame("1000")


def test_timecode_counts_from_the_clips_start():
    numbering = Timecoded("01:00:00:00", Fraction(25))
    assert numbering.frame("01:00:01:05") == 30
    assert numbering.range("01:00:00:00-01:00:00:10") == FrameRange(0, 10)
    with pytest.raises(BadInput, match="before the clip's start"):
        numbering.frame("00:59:59:24")
    with pytest.raises(BadInput, match="frame range"):
        numbering.range("01:00:00:00")


def test_the_timecode_is_read_from_the_clip_itself(write_clip, tmp_path):
    import numpy as np

    clip = write_clip("plain.mkv", np.zeros((2, 32, 32, 3), np.uint8))
    with pytest.raises(BadInput, match="carries no timecode"):
        numbering_of(str(clip), base="zero", timecode=True)
    text = tmp_path / "text.mov"
    text.write_text("no video")
    with pytest.raises(BadInput) as caught:
        numbering_of(str(text), base="zero", timecode=True)
    assert "cannot be read here" not in str(caught.value)


@given(st.sampled_from(sorted(SETTINGS)), st.integers(0, 1000))
def test_settings_are_read_with_their_type(name, value):
    assert parse_setting(f"{name}={value}") == (name, SETTINGS[name](value))
    assert type(parse_setting(f"{name}={value}")[1]) is SETTINGS[name]


def test_a_defect_leaves_a_log_and_a_sentence(files, monkeypatch, capsys):
    monkeypatch.setattr(cli, "build_parser", lambda: 1 / 0)
    assert cli.main(["jobs", "list"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("MaskEdit has a defect") and said.err.count("\n") == 1
    (log,) = (files / "data" / "logs").iterdir()
    assert "ZeroDivisionError" in log.read_text() and str(log) in said.err


def test_a_terminal_that_cannot_show_a_name_stops_nothing(files):
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "plugin_client.cli.main", "edit", "clip.mov", "--matte", "matté.json"]
    done = subprocess.run([*command, "--keyframe", "0=key.png", "--out", "o.mkv"], env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (2, b"There is no file matt?.json: check the path.\n")


def test_with_json_even_a_refusal_is_one_object_on_stdout(files, capsys):
    import json

    assert cli.main(["edit", "gone.mov", "--matte", "m", "--keyframe", "0=k", "--out", "o.mkv", "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["error"] == said.err.strip()


def test_the_command_line_imports_neither_torch_nor_numpy_nor_the_method():
    code = (
        "import sys, plugin_client.cli.main as m; m.build_parser();"
        "print([n for n in sys.modules if n.split('.')[0] in ('torch', 'numpy', 'maskedit', 'bridge_server', 'av')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
