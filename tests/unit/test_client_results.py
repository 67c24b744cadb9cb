# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies beside a fetched result, and pictures that stay as they were."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.keeping import kept_picture
from plugin_client.core.progress import about_words, span_words
from plugin_client.core.results import delivered, delivered_at, record_beside

# What a host application imports while it starts; gRPC and protobuf would keep it waiting.
LIGHT = ("course", "errors", "host", "job", "keeping", "ledger", "locks", "media", "progress", "results", "wording")


def test_deliverables_are_found_by_what_the_record_says(tmp_path: Path):
    out = tmp_path / "shot.mkv"
    assert record_beside(out) == {} and delivered_at(out) == [] and delivered(out, "matte") is None
    said = {
        "deliverables": [
            {"name": "result.mkv", "kind": "full", "format": "mkv"},
            {"name": "result-matte.mov", "kind": "matte", "format": "mov", "codec_error": None},
            {"name": "result-fill", "kind": "fill", "format": "exr"},
        ]
    }
    (tmp_path / "shot.maskedit.json").write_text(json.dumps(said))
    assert [Path(each["path"]).name for each in delivered_at(out)] == ["shot.mkv", "shot-matte.mov", "shot-fill"]
    assert delivered_at(out)[1]["codec_error"] is None and "name" not in delivered_at(out)[0]
    assert delivered(out, "fill") is None  # said, but gone
    (tmp_path / "shot-fill").mkdir()
    assert delivered(out, "fill") == tmp_path / "shot-fill"
    for damaged in ("", "[]", "{"):
        (tmp_path / "shot.maskedit.json").write_text(damaged)
        assert record_beside(out) == {}


def test_a_kept_picture_stays_as_it_was(tmp_path: Path):
    picture, folder = tmp_path / "key.png", tmp_path / "kept"
    picture.write_bytes(b"one")
    first = kept_picture(picture, folder)
    assert kept_picture(picture, folder) == first and first.parent == folder
    picture.write_bytes(b"two")
    assert kept_picture(picture, folder) != first and first.read_bytes() == b"one"
    assert {path.suffix for path in folder.iterdir()} == {".png"}
    picture.unlink()
    with pytest.raises(BadInput, match=r"key\.png is gone"):
        kept_picture(picture, folder)
    picture.write_bytes(b"three")
    with pytest.raises(ClientError, match="cannot be kept"):
        kept_picture(picture, first)  # a file, where the folder should be


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [(0, 0, ""), (20, 40, "20–40 s"), (100, 700, "2–12 min"), (40, 300, "40 s–5 min"), (170, 190, "about 3 min")],
)
def test_spans_of_time_in_words(least: float, most: float, words: str):
    assert span_words(least, most) == words
    assert about_words(5400) == "1.5 h"


def test_what_a_host_starts_with_needs_no_grpc():
    imports = "; ".join(f"import plugin_client.core.{name}" for name in LIGHT)
    code = (
        f"{imports}; import sys; print([n for n in sys.modules if n.split('.')[0] in {{'grpc','google','bridge_api'}}])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
