# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves the machine says nothing of secrets, prompts and folders, and still says what went wrong."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.core.bundling import write_bundle
from plugin_client.core.scrubbing import Scrubber

TOKEN = "5f" * 32
HOME = str(Path.home())


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (f"got {TOKEN}.", "got [secret]."),
        ("authorization: Bearer abc.def", "authorization: Bearer [secret]"),
        ("MASKEDIT_TOKEN=abcdef done", "MASKEDIT_TOKEN=[secret] done"),
        ("cannot use hf_ABCDEFGHIJK", "cannot use [secret]"),
        ("paint a red car: failed", "paint a [prompt]: failed"),
        ("No file /shots/My Film/take 1.mov.", "No file …/take 1.mov."),
        ('File "/opt/their place/edit.py", line 3', 'File "…/edit.py", line 3'),
        (f"in {HOME}/a/b.png, then", "in …/b.png, then"),
        ("unix:/run/user/1000/me.sock", "unix:…/me.sock"),
        (r"C:\Users\me\clip.mov is bad", "…/clip.mov is bad"),
        ("/data/maskedit/jobs/1/x.mov", "DATA_DIR/jobs/1/x.mov"),
        ("/data/maskedit-old/x.mov", "…/x.mov"),
        ("3/4 done at 24000/1001, and/or", "3/4 done at 24000/1001, and/or"),
    ],
)
def test_text_keeps_its_sense(said: str, left: str) -> None:
    scrubber = Scrubber(
        secrets=frozenset({TOKEN}),
        prompts=frozenset({"red car"}),
        paths=frozenset({"/shots/My Film/take 1.mov"}),
        folders={"/data/maskedit": "DATA_DIR"},
    )
    assert scrubber.text(said) == left


def test_with_paths_only_the_paths_stay() -> None:
    scrubber = Scrubber(secrets=frozenset({TOKEN}), prompts=frozenset({"red car"}), with_paths=True)
    assert scrubber.text(f"/a/b.mov {TOKEN} red car") == "/a/b.mov [secret] [prompt]"


def test_values_are_scrubbed_by_name_and_by_content() -> None:
    values = {"prompt": "a blue door", "token": "x", "api_key": "", "at": ["/a b/c.mov", b"12"], "/a/b": 1, "n": None}
    assert Scrubber().value(values) == {
        "prompt": "[prompt of 11 characters]",
        "token": "set",
        "api_key": "not set",
        "at": ["…/c.mov", "2 bytes"],
        "…/b": 1,
        "n": None,
    }


names = st.text(st.characters(categories=["L", "N"], include_characters="_-"), min_size=1, max_size=8)


@given(st.lists(names, min_size=2, max_size=5), st.sampled_from(["'{}'", "at {} now", "x={}", "({})", '["{}"]']))
def test_of_a_path_only_the_name_is_left(parts: list[str], frame: str) -> None:
    before, after = frame.split("{}")
    assert Scrubber().text(frame.format("/" + "/".join(parts))) == f"{before}…/{parts[-1]}{after}"


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_secret_never_stays(before: str, after: str) -> None:
    assert TOKEN not in Scrubber(secrets=frozenset({TOKEN})).text(before + TOKEN + after)


def test_a_cut_log_does_not_begin_with_half_a_secret(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(f"token {TOKEN}\nthe end\n")
    write_bundle(tmp_path / "a.zip", sections={}, logs=[log], scrubber=Scrubber(), tail_bytes=40)
    with ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read("logs/server.log") == b"the end\n"


def test_a_bundle_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_bundle(tmp_path / "a.zip", sections={"a": 1}, logs=[tmp_path / "none.log"], scrubber=Scrubber())
    assert list(tmp_path.iterdir()) == []


def test_the_bundle_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    write_bundle(path, sections={"a": {"b": 1}}, logs=[], scrubber=Scrubber())
    assert path.stat().st_mode & 0o777 == 0o600
    with ZipFile(path) as archive:
        assert json.loads(archive.read("a.json")) == {"b": 1}
