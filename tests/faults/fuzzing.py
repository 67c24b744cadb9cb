# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fuzz tests throw: messages built from their own descriptors, and damage to files."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from tests.faults.hostile import hostile_strings

Way = tuple[FieldDescriptor, ...]
F = FieldDescriptor
_BOUNDS = {
    F.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    F.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    F.CPPTYPE_UINT32: (0, 2**32 - 1),
    F.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_REALS = (0.0, -0.0, 0.5, 1.0, -1.0, 2.0, 1e-320, 1e38, -1e300, math.nan, math.inf, -math.inf)
_WORDS = (
    "",
    "attention",
    "attention+ffn",
    "uniform",
    "logit_normal",
    "masked",
    "naive",
    "first",
    "all",
    "bundled",
    "draft",
)
# Of one field: twice what gRPC lets through.
_MOST_BYTES = 8 << 20
_INTERESTING = (b"\x00", b"\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00")


def ways(message: Descriptor, above: Way = ()) -> Iterator[Way]:
    """The way to every field of the message and of the messages in it, so that a new one is there by itself."""
    for field in message.fields:
        yield (*above, field)
        if field.message_type is not None:
            yield from ways(field.message_type, (*above, field))


class MessageMaker:
    """Messages of one type, random ones and `valid` ones with damage, all decided by `random`."""

    def __init__(self, valid: Message, random: Random) -> None:
        self._valid = valid
        self._type = type(valid)
        self._random = random
        self._ways = list(ways(valid.DESCRIPTOR))
        self._strings = hostile_strings()

    def make(self) -> Message | None:
        """The next message; None where damage to its bytes left none."""
        kind = self._random.random()
        message = self._type()
        if kind < 0.2:
            damaged = mutated(self._valid.SerializeToString(), self._random)
            try:
                return self._type.FromString(damaged)
            except DecodeError:  # which gRPC answers by itself
                return None
        if kind < 0.9:
            message.CopyFrom(self._valid)
            changes = 1 + int(self._random.expovariate(0.7))
        else:
            changes = 1 + int(self._random.expovariate(0.05))
        for _ in range(changes):
            self._change(message, self._random.choice(self._ways))
        return message

    def _change(self, message: Message, way: Way) -> None:
        for field in way[:-1]:
            part: Any = getattr(message, field.name)
            if field.is_repeated:
                part = self._random.choice(part) if part and self._random.random() < 0.9 else part.add()
            message = part
        last = way[-1]
        if self._random.random() < 0.1:
            message.ClearField(last.name)
        elif last.is_repeated:
            self._lengthen(getattr(message, last.name), last)
        elif last.message_type is not None:
            getattr(message, last.name).SetInParent()
        else:
            setattr(message, last.name, self._value(last))

    def _lengthen(self, parts: Any, field: FieldDescriptor) -> None:
        """Most often by one; now and then by many, which are no trouble for whoever sends them."""
        count = 1 if self._random.random() < 0.995 else self._random.choice((100, 3_000, 300_000))
        if field.message_type is None:
            value = self._value(field)
            size = len(value) if isinstance(value, str | bytes) else 1
            parts.extend([value] * min(count, 1 + _MOST_BYTES // (size + 1)))
        elif parts and self._random.random() < 0.7:
            part = self._random.choice(parts)
            parts.extend([part] * min(count, 3_000, 1 + _MOST_BYTES // (part.ByteSize() + 1)))
        else:
            for _ in range(count):
                parts.add()

    def _value(self, field: FieldDescriptor) -> Any:
        random = self._random
        if field.enum_type is not None:
            known = random.choice(list(field.enum_type.values_by_number))
            return known if random.random() < 0.9 else random.randint(-(2**31), 2**31 - 1)
        if field.cpp_type == F.CPPTYPE_BOOL:
            return random.random() < 0.5
        if field.cpp_type in _BOUNDS:
            least, most = _BOUNDS[field.cpp_type]
            return random.choice((least, most, max(least, -1), 0, 1, 2, 64, random.randint(least, most)))
        if field.cpp_type in (F.CPPTYPE_DOUBLE, F.CPPTYPE_FLOAT):
            return random.choice((*_REALS, random.uniform(-2, 2)))
        if field.cpp_type == F.CPPTYPE_STRING and field.type == F.TYPE_STRING:
            return random.choice(_WORDS if random.random() < 0.5 else self._strings)
        return random.randbytes(random.randrange(64))


def mutated(content: bytes, random: Random, *, within: int | None = None) -> bytes:
    """The content with one to eight wounds: bits, numbers at their ends, pieces cut out, doubled or moved.

    `within`: only its first so many bytes are wounded, where headers are.
    """
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        end = min(len(data), within or len(data))
        if not end:
            break
        at, length = random.randrange(end), random.choice((1, 2, 4, 16, 200))
        match random.randrange(6):
            case 0:
                data[at] ^= 1 << random.randrange(8)
            case 1:
                wound = random.choice(_INTERESTING)
                data[at : at + len(wound)] = wound
            case 2:
                data[at : at + 4] = struct.pack(
                    random.choice("<>") + "I", random.getrandbits(random.choice((4, 16, 32)))
                )
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                del data[at if random.random() < 0.3 else len(data) :]
    return bytes(data)
