# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server says of an edit before it starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bridge_api.v1 import edit_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.findings import findings_of
from plugin_client.core.media import reference
from tests.serving import submit, watch


def painted_outside(edit: edit_pb2.EditRequest, write_clip: Callable[..., Path]) -> None:
    """Give the edit a clip with texture, and a keyframe that was changed outside its matte as well."""
    generator = np.random.default_rng(0)
    frames = np.repeat(generator.integers(40, 200, (5, 8, 8, 3), dtype=np.uint8), 8, axis=1).repeat(8, axis=2)
    clip = write_clip("textured.mkv", frames)
    picture = frames[0].copy()
    picture[20:44, 20:44] = 255 - picture[20:44, 20:44]
    picture[2:10, 2:12] = 255 - picture[2:10, 2:12]
    keyframe = write_clip("key.png", picture[None], codec="png", pixel_format="rgb24")
    edit.target.CopyFrom(reference(str(clip)))
    edit.keyframes[0].image.CopyFrom(reference(str(keyframe)))


def test_findings_come_with_the_check_and_as_the_jobs_first_words(
    connection: Connection, edit: edit_pb2.EditRequest, write_clip: Callable[..., Path]
) -> None:
    painted_outside(edit, write_clip)
    answer = connection.edits.CheckEdit(edit_pb2.CheckEditRequest(edit=edit), timeout=60)
    findings = findings_of(answer.findings)
    (changed,) = [finding for finding in findings if finding.flag == "--take-changes"]
    assert changed.severity == "warning" and changed.frames is not None
    assert (changed.frames.first, changed.frames.last) == (0, 0)
    first = next(iter(watch(connection, submit(connection, edit))))
    said = first.message.splitlines()
    assert said[0] == changed.sentence and len(said) == len(findings)
