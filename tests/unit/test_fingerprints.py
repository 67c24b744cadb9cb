# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit is made of what it was submitted with, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.fingerprints import refuse_changed
from maskedit.errors import InputError
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Region
from plugin_client.core.media import reference


def named(path: Path) -> MediaReference:
    made = reference(str(path))
    return MediaReference(
        locations=tuple(made.locations), display_name=made.display_name, quick_fingerprint=made.quick_fingerprint
    )


@pytest.fixture
def edit(tmp_path: Path) -> EditRequest:
    """A clip, a matte as a sequence and a keyframe that was uploaded."""
    (tmp_path / "shot.mov").write_bytes(b"a clip" * 50_000)
    for number in range(998, 1003):
        (tmp_path / f"matte.{number:03d}.png").write_bytes(b"a frame %d" % number)
    uploaded = tmp_path / "job" / "inputs" / "1" / "painted.png"
    uploaded.parent.mkdir(parents=True)
    uploaded.write_bytes(b"a picture")
    image = MediaReference(locations=(str(uploaded),), display_name="painted.png", quick_fingerprint="of elsewhere")
    return EditRequest(
        target=named(tmp_path / "shot.mov"),
        regions=(Region(mattes=(Matte(media=named(tmp_path / "matte.%03d.png")),)),),
        keyframes=(Keyframe(frame=0, image=image),),
    )


def test_media_as_they_were_are_edited(edit: EditRequest, tmp_path: Path) -> None:
    refuse_changed(edit, inputs=tmp_path / "job")
    # What came without a fingerprint is known by its place alone.
    (tmp_path / "shot.mov").write_bytes(b"another")
    refuse_changed(replace(edit, target=replace(edit.target, quick_fingerprint="")), inputs=tmp_path / "job")


CHANGES: dict[str, Callable[[Path], object]] = {
    "overwritten": lambda folder: (folder / "shot.mov").write_bytes(b"A clip" * 50_000),
    "saved again": lambda folder: os.utime(folder / "shot.mov", (1, 1)),
    "gone": lambda folder: (folder / "shot.mov").unlink(),
    "a pipe": lambda folder: ((folder / "shot.mov").unlink(), os.mkfifo(folder / "shot.mov")),
    "another frame": lambda folder: (folder / "matte.1001.png").write_bytes(b"A frame 1001"),
    "one frame less": lambda folder: (folder / "matte.998.png").unlink(),
    "no folder": lambda folder: folder.rename(folder.with_name("moved")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_media_that_changed_while_the_job_waited_are_refused_by_name(
    edit: EditRequest, tmp_path: Path, change: str
) -> None:
    CHANGES[change](tmp_path)
    name = "matte" if "frame" in change else "shot.mov"
    with pytest.raises(InputError, match=rf"^{name}.* is not the file any more .*: run the edit again\.$"):
        refuse_changed(edit, inputs=tmp_path / "job")
