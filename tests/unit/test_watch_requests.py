# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of a watch folder: what they may say, where their paths may lead, and one sentence for all else."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_client.cli.edit import options_from
from plugin_client.cli.watch_requests import ENDINGS, MAX_BYTES, read_request, stem_of
from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.requests import EditOptions

MINIMAL = {"clip": "shot.mov", "keyframes": {"0": "painted.png"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "edits"
    folder.mkdir()
    return folder


def read(folder: Path, text: str | dict, *, name: str = "take.edit.json", roots: tuple[Path, ...] = ()) -> EditOptions:
    file = folder / name
    file.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return options_from(read_request(file, folder=folder, roots=roots))


def test_a_request_is_what_the_command_line_would_be(folder: Path):
    options = read(
        folder,
        MINIMAL
        | {
            "matte": ["roto.json", "more/matte.%04d.png"],
            "holdout": "front.mov",
            "keyframes": {"0": "painted.png", "17": "crop.png@10,20,300x200"},
            "frames": "0-40",
            "preset": "draft",
            "prompt": "-- a red --door, @here = there",
            "seed": 7,
            "grain": 0.5,
            "invert-matte": True,
            "fit_keyframes": False,
            "deliver": ["full", "patch"],
            "format": ["mkv", "cache"],
            "set": {"motion_steps": 3},
            "out": "out.mkv",
        },
    )
    assert options.clip == str(folder / "shot.mov")
    assert [(each.path, each.purpose, each.invert) for each in options.mattes] == [
        (str(folder / "roto.json"), "edit", True),
        (str(folder / "more" / "matte.%04d.png"), "edit", True),
        (str(folder / "front.mov"), "holdout", False),
    ]
    assert [(each.frame, each.path, each.extent) for each in options.keyframes] == [
        (0, str(folder / "painted.png"), None),
        (17, str(folder / "crop.png"), (10, 20, 300, 200)),
    ]
    assert (options.prompt, options.seed, options.preset) == ("-- a red --door, @here = there", 7, "draft")
    assert options.frames is not None and (options.frames.first, options.frames.last) == (0, 40)
    assert options.finish == {"grain": 0.5} and options.settings == {"motion_steps": 3}
    assert [(each.kind, each.format) for each in options.deliverables] == [("full", "mkv"), ("patch", "cache")]
    assert not options.care.fit


def test_yaml_says_the_same_and_nothing_is_taken_for_something_else(folder: Path):
    text = """
        clip: shot.mov
        matte: roto.json       # white is edited
        keyframes: {0: painted.png}
        prompt: no
        seed: 7
        take-changes: yes
        frames: 0-40
        deliver: [full, patch]
    """
    same = MINIMAL | {
        "matte": "roto.json", "prompt": "no", "seed": 7, "take-changes": True, "frames": "0-40",
        "deliver": ["full", "patch"],
    }  # fmt: skip
    assert read(folder, text, name="take.edit.yaml") == read(folder, same)


@pytest.mark.parametrize(
    ("given", "out"),
    [
        ({}, "results/take.mkv"),
        ({"format": "mov"}, "results/take.mov"),
        ({"format": "v210"}, "results/take.mov"),
        ({"format": "png"}, "results/take"),
        ({"deliver": "patch", "format": ["cache"]}, "results/take.mefc"),
        ({"out": "mine.mov"}, "mine.mov"),
    ],
)
def test_a_result_has_a_place_if_none_is_named(folder: Path, given: dict, out: str):
    file = folder / "take.edit.json"
    file.write_text(json.dumps(MINIMAL | given))
    assert read_request(file, folder=folder, roots=()).out == str(folder / out)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ('{"clip": "a.mov"', "cannot be read"),
        ("[]", "no list of options"),
        ("[" * 30_000, "cannot be read"),
        ('{"clip": "a.mov", "clip": "b.mov"}', "a key is there twice"),
        ('{"clip": "a.mov", "keyframe": "0=a.png", "keyframes": {"0": "a.png"}}', "a key is there twice"),
        ('{"keyframes": {"0": "a.png"}}', "names no clip"),
        ({"clip": "a.mov"}, "no edited picture"),
        (MINIMAL | {"clip": ["a.mov"]}, "value of clip"),
        (MINIMAL | {"server": "10.0.0.1:5000"}, "'server', which is no option of an edit but of the watcher"),
        (MINIMAL | {"token-file": "/etc/passwd"}, "no option of an edit"),
        (MINIMAL | {"json": True}, "no option of an edit"),
        (MINIMAL | {"help": True}, "no option of an edit"),
        (MINIMAL | {"local": True}, "no option of an edit"),
        (MINIMAL | {"mate": "a.mov"}, "'mate', which is no option of an edit: see"),
        (MINIMAL | {"prompt": ["a", "b"]}, "There is one prompt"),
        (MINIMAL | {"prompt": "a\u001b[31mb"}, "do not print"),
        (MINIMAL | {"prompt": None}, "cannot be null"),
        (MINIMAL | {"prompt": True}, "cannot be true"),
        (MINIMAL | {"take-changes": "perhaps"}, "true or false"),
        (MINIMAL | {"seed": "many"}, "invalid int value"),
        (MINIMAL | {"preset": "perfect"}, "invalid choice"),
        (MINIMAL | {"grain": 3}, "grain"),
        (MINIMAL | {"clip": "../shot.mov"}, r"\.\./shot\.mov lies outside the watch folder"),
        (MINIMAL | {"clip": "/etc/passwd"}, "lies outside"),
        (MINIMAL | {"keyframes": {"0": "/etc/a.png"}}, "lies outside"),
        (MINIMAL | {"keyframes": {"0": "../a.png@1,2,3x4"}}, r"\.\./a\.png lies outside"),
        (MINIMAL | {"matte": ["a.mov", "a/../../b.mov"]}, "lies outside"),
        (MINIMAL | {"composite": "/tmp/a.mov"}, "lies outside"),
        (MINIMAL | {"model": "/models/wan"}, "lies outside"),
        (MINIMAL | {"out": "~/../../x.mkv"}, "lies outside"),
        (" " * MAX_BYTES + "{}", "larger than 64 KiB"),
    ],
)
def test_what_a_request_may_not_say_is_one_sentence(folder: Path, text, words: str):
    with pytest.raises(BadInput, match=words) as said:
        read(folder, text)
    assert str(said.value).endswith(".") and "\n" not in str(said.value)


@pytest.mark.parametrize(
    "text",
    [
        "clip: !!python/object/apply:os.system ['true']\nkeyframes: {0: a.png}",
        "clip: &a shot.mov\nkeyframes: {0: *a}",
        "a: &a [x, x]\nb: &b [*a, *a]\nclip: *b",
        "clip: shot.mov\n--- \nclip: other.mov",
        "clip: [shot.mov",
        "\tclip: shot.mov",
        "- " * 20_000,
        "[" * 60_000,
        "{" * 60_000,
        "clip: a\nclip: b\nkeyframes: {0: a.png}",
    ],
)
def test_yaml_that_is_more_than_plain_data_is_refused(folder: Path, text: str):
    with pytest.raises(BadInput, match="cannot be read"):
        read(folder, text, name="take.edit.yml")


def test_a_folder_may_be_allowed_and_links_lead_nowhere_else(folder: Path, tmp_path: Path):
    media = tmp_path / "media"
    media.mkdir()
    (media / "shot.mov").touch()
    given = MINIMAL | {"clip": str(media / "shot.mov")}
    assert read(folder, given, roots=(media,)).clip == given["clip"]
    (folder / "link.mov").symlink_to(media / "shot.mov")
    (folder / "loop.mov").symlink_to("loop.mov")
    for clip in ("link.mov", str(media / "shot.mov")):
        with pytest.raises(BadInput, match="lies outside"):
            read(folder, MINIMAL | {"clip": clip})
    assert read(folder, MINIMAL | {"clip": "link.mov"}, roots=(media,)).clip == str(folder / "link.mov")
    read(folder, MINIMAL | {"clip": "loop.mov"})  # refused when it is opened
    os.symlink(folder / "take.edit.json", folder / "other.edit.json")
    with pytest.raises(BadInput, match=r"other\.edit\.json is a link"):
        read_request(folder / "other.edit.json", folder=folder, roots=())


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["clip", "matte", "keyframes", "keyframe", "set", "out", "frames", "preset", "seed", "composite", "model", "format",
     "deliver", "timecode", "adapter", "comp", "priority", "server", "data-dir", "h", ""]
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(KEYS | st.text(max_size=6), WILD, max_size=5), st.booleans())
def test_whatever_is_dropped_is_either_an_edit_inside_the_folder_or_a_sentence(tmp_path_factory, given_values, whole):
    folder = Path(os.path.realpath(tmp_path_factory.getbasetemp())) / "wild"
    folder.mkdir(exist_ok=True)
    try:
        options = read(folder, (MINIMAL if whole else {}) | given_values)
    except ClientError as error:
        assert "\n" not in str(error).strip() and str(error).endswith(".")
        return
    named = [options.clip, *(each.path for each in options.mattes), *(each.path for each in options.keyframes)]
    assert all(Path(os.path.realpath(path)).is_relative_to(folder) for path in named)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(ENDINGS))
def test_any_bytes_are_refused_in_a_sentence(tmp_path_factory, data: bytes, ending: str):
    folder = tmp_path_factory.getbasetemp() / "bytes"
    folder.mkdir(exist_ok=True)
    file = folder / f"take{ending}"
    file.write_bytes(data)
    with pytest.raises(ClientError, match=r"\.$"):
        read_request(file, folder=folder, roots=())


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("shot.edit.json", "shot"),
        ("Shot 1.EDIT.YML", "Shot 1"),
        ("a.b.edit.yaml", "a.b"),
        (".shot.edit.json", ""),
        ("~shot.edit.json", ""),
        (".edit.json", ""),
        ("shot.edit.json.part", ""),
        ("shot.maskedit.json", ""),
        ("shot\x1b.edit.json", ""),
        ("shot.json", ""),
    ],
)
def test_which_files_are_requests(name: str, stem: str):
    assert stem_of(name) == stem


def test_yaml_without_its_reader_is_said(folder: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(BadInput, match=r"PyYAML is missing: install maskedit\[watch\], or write JSON\.$"):
        read(folder, "clip: shot.mov", name="take.edit.yaml")
