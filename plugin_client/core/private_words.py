# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an edit is its author's alone: the prompt, and where the files lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict

from bridge_api.v1 import edit_pb2


def prompts_of(edit: edit_pb2.EditRequest) -> frozenset[str]:
    """Its prompt, if it has one."""
    return frozenset(filter(None, [edit.prompt.strip()]))


def paths_of(edit: edit_pb2.EditRequest) -> frozenset[str]:
    """Every path that it names, wherever in it."""
    return frozenset(text for text in _texts(MessageToDict(edit)) if os.path.isabs(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for held in value.values() for text in _texts(held))
    elif isinstance(value, list):
        yield from (text for held in value for text in _texts(held))
