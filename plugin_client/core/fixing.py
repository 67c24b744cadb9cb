# SPDX-License-Identifier: GPL-3.0-or-later
"""The fix-it loop: a finished take's edit with a corrected frame, of which only the frames around that are rendered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bridge_api.v1 import edit_pb2
from plugin_client.core.errors import BadInput
from plugin_client.core.media import reference
from plugin_client.core.requests import Picture, keyframe_of, references_of, wire_range
from plugin_client.core.timeline import FrameRange

# A correction reaches as far as this share of what it shows can still be followed from frame to frame.
_FOLLOWED = 0.5


def fixed_edit(
    parent: edit_pb2.EditRequest, job_id: str, *, pictures: Sequence[Picture], frames: Sequence[FrameRange]
) -> edit_pb2.EditRequest:
    """The edit of the job `job_id` with `pictures` as further keyframes, or in place of its own on the same frame.

    `frames`: what is rendered anew; the others stay as the job has delivered them. Raises BadInput for files that are
    not what the job has seen any more.
    """
    edit = edit_pb2.EditRequest()
    edit.CopyFrom(parent)
    corrected = {picture.frame for picture in pictures}
    kept = [keyframe for keyframe in parent.keyframes if keyframe.frame not in corrected]
    del edit.keyframes[:]
    edit.keyframes.extend([*kept, *map(keyframe_of, pictures)])
    edit.rerender.CopyFrom(edit_pb2.Rerender(parent_take=job_id, frames=map(wire_range, frames)))
    for one in references_of(edit):
        if one.locations and reference(one.locations[0]).quick_fingerprint != one.quick_fingerprint:
            raise BadInput(
                f"{one.locations[0]} has changed since that take was made: put the old file back, or edit anew."
            )
    return edit


def format_names(edit: edit_pb2.EditRequest) -> list[str]:
    """The format of each of the edit's deliverables, in their order: "mkv"."""
    prefix = "DELIVERABLE_FORMAT_"
    values = (edit_pb2.DeliverableFormat.Name(each.format) for each in edit.deliverables)
    return [value.removeprefix(prefix).lower() for value in values] or ["mkv"]


def ranges_around(
    corrected: Collection[int], *, frames: FrameRange, keyframes: Collection[int], record: Mapping[str, Any]
) -> list[FrameRange]:
    """The frames that corrected pictures reach, in order; ranges that meet are one.

    A picture reaches to the `keyframes` on either side, which stay as they are, or to where less than half of what it
    shows can be followed, by the `continuity` in the take's record (without it: to the keyframes).
    """
    continuity = record.get("continuity") or {}
    fixed = set(keyframes) - set(corrected)
    reached: set[int] = set()
    for frame in corrected:
        reached.add(frame)
        for step in (1, -1):
            followed, number = 1.0, frame + step
            while frames.first <= number <= frames.last and number not in fixed:
                # Continuity is said of the later one of two frames.
                followed *= continuity.get(str(max(number, number - step)), 1.0)
                if followed < _FOLLOWED:
                    break
                reached.add(number)
                number += step
    return _runs(reached)


def _runs(numbers: Collection[int]) -> list[FrameRange]:
    runs: list[FrameRange] = []
    for number in sorted(numbers):
        if runs and runs[-1].last == number - 1:
            runs[-1] = FrameRange(runs[-1].first, number)
        else:
            runs.append(FrameRange(number, number))
    return runs
