# SPDX-License-Identifier: GPL-3.0-or-later
"""Between protos and the dataclasses of maskedit.request, which have the same names, field for field.

A proto field left at its default takes the dataclass's default; an enum value that this version does not know and a
number that is not finite are refused.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from maskedit.errors import InputError

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


def from_proto(message: Message, twin: type[T]) -> T:
    """The dataclass `twin` with the message's values. Raises InputError naming the field that does not fit."""
    return _from_message(message, twin, path="")


def to_proto(value: Any, message: Message) -> Any:
    """Fill the empty `message` with the dataclass `value`, and return it."""
    for field in fields(value):
        part, proto_field = getattr(value, field.name), _proto_field(message, field.name)
        if part is None:
            continue
        if proto_field.enum_type is not None:
            setattr(message, field.name, enum_number(proto_field.enum_type, part))
        elif proto_field.message_type is None and _repeated(proto_field):
            getattr(message, field.name).extend(part)
        elif proto_field.message_type is None:
            setattr(message, field.name, part)
        elif _repeated(proto_field):
            for element in part:
                to_proto(element, getattr(message, field.name).add())
        else:
            _fill(getattr(message, field.name), part)
    return message


@cache
def enum_number(enum: EnumDescriptor, value: Enum) -> Any:
    """The proto number of an enum value: "tune_motion" of `Stage` is STAGE_TUNE_MOTION.

    Any, because each generated enum has an int type of its own.
    """
    return enum.values_by_name[_prefix(enum) + value.name].number


def enum_value(enum: EnumDescriptor, number: int, twin: type[E], *, path: str) -> E:
    """The inverse of `enum_number`. Raises InputError for numbers that this version does not know."""
    known = enum.values_by_number.get(number)
    if known is None or known.name.removeprefix(_prefix(enum)) not in twin.__members__:
        raise InputError(f"The field {path} has the value {number}, which this server does not know: update it.")
    return twin[known.name.removeprefix(_prefix(enum))]


def _from_message(message: Message, twin: type[T], *, path: str) -> T:
    values = {}
    for field in fields(twin):  # type: ignore[arg-type]
        where = f"{path}.{field.name}" if path else field.name
        proto_field = _proto_field(message, field.name)
        value = getattr(message, field.name)
        left_out = not message.HasField(field.name) if proto_field.has_presence else not value
        if not left_out:
            values[field.name] = _from_value(value, _hints(twin)[field.name], proto_field, path=where)
        elif _required(field):
            if proto_field.message_type is not None and not _repeated(proto_field):
                raise InputError(f"The edit lacks the field {where}: give it.")
            values[field.name] = () if _repeated(proto_field) else value
    return twin(**values)


def _from_value(value: Any, hint: Any, proto_field: FieldDescriptor, *, path: str) -> Any:
    if get_origin(hint) is UnionType:
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if _repeated(proto_field):
        (element, _) = get_args(hint)
        return tuple(_from_single(part, element, proto_field, path=f"{path}[{i}]") for i, part in enumerate(value))
    return _from_single(value, hint, proto_field, path=path)


def _from_single(value: Any, hint: Any, proto_field: FieldDescriptor, *, path: str) -> Any:
    if hint is Fraction:
        if value.numerator <= 0 or value.denominator <= 0:
            raise InputError(f"The field {path} is {value.numerator}/{value.denominator}: both have to be positive.")
        return Fraction(value.numerator, value.denominator)
    if get_origin(hint) is tuple:
        return value.before, value.after
    if is_dataclass(hint):
        return _from_message(value, hint, path=path)  # type: ignore[type-var]
    if proto_field.enum_type is not None:
        return enum_value(proto_field.enum_type, value, hint, path=path)
    if hint is float and not math.isfinite(value):
        raise InputError(f"The field {path} is not a finite number: give one.")
    return value


def _fill(message: Message, value: Any) -> None:
    """Set a single message field. An empty message is given too: present is not the same as absent."""
    message.SetInParent()
    if isinstance(value, Fraction):
        message.numerator, message.denominator = value.numerator, value.denominator  # type: ignore[attr-defined]
    elif isinstance(value, tuple):
        message.before, message.after = value  # type: ignore[attr-defined]
    else:
        to_proto(value, message)


def _proto_field(message: Message, name: str) -> FieldDescriptor:
    return cast(FieldDescriptor, message.DESCRIPTOR.fields_by_name[name])


def _repeated(proto_field: FieldDescriptor) -> bool:
    return proto_field.is_repeated


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _prefix(enum: EnumDescriptor) -> str:
    """JobState's values begin with JOB_STATE_: that of its value 0, less UNSPECIFIED."""
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")


@cache
def _hints(twin: type) -> dict[str, Any]:
    return get_type_hints(twin)
