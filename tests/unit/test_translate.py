# SPDX-License-Identifier: GPL-3.0-or-later
"""Protos and dataclasses say the same: field for field, value for value, there and back."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from fractions import Fraction
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_api.v1 import edit_pb2, job_pb2, media_pb2
from bridge_server.jobs.states import JobState
from bridge_server.rpc.translate import enum_number, enum_value, from_proto, to_proto
from maskedit.errors import InputError
from maskedit.progress import Stage
from maskedit.request import (
    AdapterRole,
    AdapterUse,
    EditRequest,
    FrameRange,
    MediaReference,
    Preset,
    from_json,
    to_json,
)

ID = "0123456789abcdef" * 4
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


WIDTHS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
frames = st.integers(0, 2**40)
# Types whose values are bound to more than their fields' types say.
OWN = {
    Fraction: st.builds(Fraction, st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)),
    FrameRange: st.tuples(frames, frames).map(lambda ends: FrameRange(first=min(ends), last=max(ends))),
    AdapterUse: st.builds(
        AdapterUse,
        adapter_id=st.binary(min_size=32, max_size=32).map(bytes.hex),
        role=st.sampled_from(AdapterRole),
        strength=st.floats(0, 2, exclude_min=True),
    ),
}


def any_value(hint: Any, proto_field: FieldDescriptor, *, something: bool = False) -> st.SearchStrategy[Any]:
    """Anything that a field of this type and its twin on the wire can hold; `something`: not 0, "" or ()."""
    if isinstance(hint, UnionType):
        return st.none() | any_value(get_args(hint)[0], proto_field)
    if proto_field.is_repeated:
        element = any_value(get_args(hint)[0], Single(proto_field))
        return st.lists(element, min_size=int(something), max_size=2).map(tuple)
    if hint in OWN:
        return OWN[hint]
    if is_dataclass(hint):
        return any_of(hint, proto_field.message_type)
    if get_args(hint):  # a pair
        return st.tuples(*(st.integers(0, 2**31 - 1) for _ in get_args(hint)))
    if issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    if hint is int:
        return st.integers(*WIDTHS[proto_field.cpp_type]).filter(lambda number: number or not something)
    if hint is str:
        return st.text(st.characters(exclude_categories=["Cs"]), min_size=int(something), max_size=8)
    return {bool: st.booleans(), float: st.floats(allow_nan=False, allow_infinity=False)}[hint]


@dataclass
class Single:
    """One element of a repeated field."""

    field: FieldDescriptor
    is_repeated = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.field, name)


def any_of(twin: type, descriptor: Descriptor) -> st.SearchStrategy[Any]:
    """Any value of the dataclass, each field drawn: one that is added is drawn as well."""
    drawn = {}
    for field in fields(twin):
        proto_field = descriptor.fields_by_name[field.name]
        # The wire cannot tell nothing from what is left out, which takes the default.
        defaults = field.default is not MISSING and bool(field.default) and not proto_field.has_presence
        drawn[field.name] = any_value(get_type_hints(twin)[field.name], proto_field, something=defaults)
    return st.builds(twin, **drawn)


edits = any_of(EditRequest, edit_pb2.EditRequest.DESCRIPTOR)


@settings(max_examples=150, deadline=None)
@given(edit=edits)
def test_there_and_back_nothing_changes(edit: EditRequest) -> None:
    wire = to_proto(edit, edit_pb2.EditRequest()).SerializeToString()
    assert from_proto(edit_pb2.EditRequest.FromString(wire), EditRequest) == edit


@settings(max_examples=150, deadline=None)
@given(edit=edits)
def test_through_json_nothing_changes(edit: EditRequest) -> None:
    assert from_json(to_json(edit)) == edit


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
        (altered(regions=[edit_pb2.Region(loosening=4)]), r"regions\[0\]\.loosening has the value 4"),
        (altered(adapters=[edit_pb2.AdapterUse(adapter_id=ID, role=3)]), r"adapters\[0\]\.role has the value 3"),
        (altered(adapters=[edit_pb2.AdapterUse(adapter_id=ID, strength=math.nan)]), "strength is not a finite"),
        (altered(adapters=[edit_pb2.AdapterUse(adapter_id=ID, strength=0)]), "strength cannot be 0"),
        (altered(adapters=[edit_pb2.AdapterUse(adapter_id=ID, strength=3)]), "strength cannot be 3"),
        (altered(adapters=[edit_pb2.AdapterUse()]), "is no adapter's id"),
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


@pytest.mark.parametrize("name", ["grain", "sharpness", "rim_colour", "steady"])
def test_a_finish_left_out_is_whole_and_one_set_to_nothing_is_off(name: str) -> None:
    for finish, strength in ((edit_pb2.Finish(), 1), (edit_pb2.Finish(**{name: 0}), 0)):
        assert getattr(from_proto(altered(finish=finish), EditRequest).finish, name) == strength


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
