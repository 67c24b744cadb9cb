# SPDX-License-Identifier: GPL-3.0-or-later
"""How much one call may hold: a message of 4 MiB has room for two million empty parts, seconds of work each time."""

from __future__ import annotations

from google.protobuf.message import Message

from maskedit.errors import InputError

MOST_PARTS = 20_000
# A sequence of pictures that is uploaded has an asset for each.
MOST_VALUES = 65_000


def refuse_crowded(message: Message) -> None:
    """Raises InputError for more than MOST_PARTS messages inside each other, or MOST_VALUES in one repeated field."""
    left = MOST_PARTS
    unseen = [message]
    while unseen:
        for field, value in unseen.pop().ListFields():
            if field.message_type is None:
                if field.is_repeated and len(value) > MOST_VALUES:
                    raise InputError(f"The field {field.name} has {len(value)} values: give at most {MOST_VALUES}.")
                continue
            parts = value if field.is_repeated else (value,)
            left -= len(parts)
            if left < 0:
                raise InputError(f"The request has more than {MOST_PARTS} parts, too many {field.name}: give fewer.")
            unseen.extend(parts)
