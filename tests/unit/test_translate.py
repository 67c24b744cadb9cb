# SPDX-License-Identifier: GPL-3.0-or-later
"""Protos and dataclasses say the same: field for field, value for value, there and back."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from enum import StrEnum
from fractions import Fraction
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest
from google.protobuf.descriptor import Descriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_api.v1 import edit_pb2, job_pb2, media_pb2
from bridge_server.jobs.states import JobState
from bridge_server.rpc.translate import enum_number, enum_value, from_proto, to_proto
from maskedit.errors import InputError
from maskedit.progress import Stage
from maskedit.request import (
    EditRequest,
    Extent,
    Finish,
    FrameRange,
    Keyframe,
    Matte,
    MediaFacts,
    MediaReference,
    Preset,
    Region,
    Settings,
)

MINIMAL = edit_pb2.EditRequest(target=media_pb2.MediaReference(display_name="clip.mov"))


def twins(twin: type, descriptor: Descriptor) -> list[tuple[type, Descriptor]]:
    """Every dataclass in the tree with the message of the same place."""
    found = [(twin, descriptor)]
    for name, hint in get_type_hints(twin).items():
        parts = get_args(hint) if isinstance(hint, UnionType) or get_args(hint) else (hint,)
        for part in parts:
            if is_dataclass(part):
                found += twins(part, descriptor.fields_by_name[name].message_type)
    return found


def test_every_message_has_the_fields_of_its_twin() -> None:
    pairs = twins(EditRequest, edit_pb2.EditRequest.DESCRIPTOR)
    assert len({twin for twin, _ in pairs}) >= 15
    for twin, descriptor in pairs:
        assert {field.name for field in fields(twin)} == {field.name for field in descriptor.fields}, twin
        assert twin.__name__ == descriptor.name


def test_every_enum_has_the_values_of_its_twin() -> None:
    for twin, descriptor in twins(EditRequest, edit_pb2.EditRequest.DESCRIPTOR):
        for name, hint in get_type_hints(twin).items():
            if isinstance(hint, type) and issubclass(hint, StrEnum):
                enum = descriptor.fields_by_name[name].enum_type
                numbers = {enum_number(enum, value) for value in hint}
                assert numbers == set(enum.values_by_number) - {0}, name
    for twin, name in ((JobState, "JobState"), (Stage, "Stage")):
        enum = job_pb2.DESCRIPTOR.enum_types_by_name[name]
        assert {enum_number(enum, value) for value in twin} == set(enum.values_by_number) - {0}


def positive(largest: int = 2**31 - 1) -> st.SearchStrategy[int]:
    return st.integers(1, largest)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ratios = st.builds(Fraction, positive(), positive())
ranges = st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)).map(
    lambda ends: FrameRange(first=min(ends), last=max(ends))
)
finite = st.floats(allow_nan=False, allow_infinity=False)
extents = st.builds(Extent, **{name: st.integers(-(2**31), 2**31 - 1) for name in ("x", "y", "width", "height")})
references = st.builds(
    MediaReference,
    locations=st.lists(texts, max_size=2).map(tuple),
    asset_ids=st.lists(texts, max_size=2).map(tuple),
    display_name=texts,
    size_bytes=st.integers(0, 2**64 - 1),
    drop_frame=st.booleans(),
    first_number=st.integers(0, 2**40),
)
regions = st.builds(
    Region,
    mattes=st.lists(st.builds(Matte, media=references), max_size=2).map(tuple),
    name=texts,
    grow_px=st.none() | st.integers(-5, 100),
    feather_px=st.none() | st.integers(0, 100),
)
edits = st.builds(
    EditRequest,
    target=references,
    regions=st.lists(regions, max_size=2).map(tuple),
    keyframes=st.lists(
        st.builds(Keyframe, frame=st.integers(0, 2**40), image=references, extent=st.none() | extents), max_size=2
    ).map(tuple),
    facts=st.none()
    | st.builds(
        MediaFacts,
        frame_count=st.integers(0, 2**40),
        width=positive(),
        height=positive(),
        rate=ratios,
        pixel_format=texts,
        bit_depth=positive(32),
        pixel_aspect=ratios,
    ),
    training_sources=st.just(()),
    frames=st.none() | ranges,
    handles=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    model=texts.filter(bool),
    settings=st.builds(
        Settings,
        motion_steps=st.none() | st.integers(0, 9999),
        learning_rate=st.none() | finite,
        guidance=st.none() | finite,
        draft_strength=st.none() | finite,
    ),
    prompt=texts,
    seed=st.integers(-(2**63), 2**63 - 1),
    finish=st.builds(Finish, grain=finite, sharpness=finite),
    rerender=st.none(),
)


@settings(max_examples=150, deadline=None)
@given(edit=edits)
def test_there_and_back_nothing_changes(edit: EditRequest) -> None:
    wire = to_proto(edit, edit_pb2.EditRequest()).SerializeToString()
    assert from_proto(edit_pb2.EditRequest.FromString(wire), EditRequest) == edit


def test_what_is_left_out_takes_the_defaults() -> None:
    assert from_proto(MINIMAL, EditRequest) == EditRequest(
        target=MediaReference(display_name="clip.mov"), regions=(), keyframes=()
    )


def test_zero_is_not_absent_where_the_difference_matters() -> None:
    said = edit_pb2.EditRequest(
        target=MINIMAL.target, regions=[edit_pb2.Region(grow_px=0)], frames=media_pb2.FrameRange()
    )
    edit = from_proto(said, EditRequest)
    assert edit.regions[0].grow_px == 0
    assert edit.regions[0].feather_px is None
    assert edit.frames == FrameRange(first=0, last=0)


def altered(**parts: Any) -> edit_pb2.EditRequest:
    return edit_pb2.EditRequest(target=MINIMAL.target, **parts)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (edit_pb2.EditRequest(), "lacks the field target"),
        (altered(keyframes=[edit_pb2.Keyframe(frame=3)]), r"lacks the field keyframes\[0\]\.image"),
        (altered(preset=99), "field preset has the value 99, which this server does not know"),
        (altered(regions=[edit_pb2.Region(role=-1)]), r"regions\[0\]\.role has the value -1"),
        (altered(finish=edit_pb2.Finish(grain=math.nan)), r"finish\.grain is not a finite number"),
        (altered(settings=edit_pb2.Settings(guidance=math.inf)), r"settings\.guidance is not a finite"),
        (altered(frames=media_pb2.FrameRange(first=9, last=3)), "frame range 9-3 runs backwards"),
        (altered(facts=media_pb2.MediaFacts(frame_count=3)), r"lacks the field facts\.rate"),
        (altered(facts=media_pb2.MediaFacts(rate=media_pb2.Rational(numerator=25))), "both have to be positive"),
        (altered(facts=media_pb2.MediaFacts(rate=media_pb2.Rational(numerator=-1, denominator=1))), "-1/1"),
    ],
)
def test_what_does_not_fit_is_named(edit: edit_pb2.EditRequest, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        from_proto(edit, EditRequest)


def test_an_enum_reads_back_as_itself() -> None:
    enum = edit_pb2.EditRequest.DESCRIPTOR.fields_by_name["preset"].enum_type
    for preset in Preset:
        assert enum_value(enum, enum_number(enum, preset), Preset, path="preset") is preset
    with pytest.raises(InputError):
        enum_value(enum, 0, Preset, path="preset")


@settings(max_examples=200, deadline=None)
@given(wire=st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(wire: bytes) -> None:
    message = edit_pb2.EditRequest()
    try:
        message.ParseFromString(wire)
    except Exception:
        return
    try:
        from_proto(message, EditRequest)
    except InputError as error:
        assert str(error)
