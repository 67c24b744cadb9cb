# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a model folder one of whose settings holds something else."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import strategies as st

from maskedit.model_check import ModelEntry, inspect_model

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
_ANYTHING = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def entry_with_anything(folder: Path, configuration: Path, data: st.DataObject) -> ModelEntry:
    """The model's entry while one of the configuration's values is anything that JSON can hold.

    Whatever it is, each problem is one line. The file is as it was afterwards.
    """
    whole = configuration.read_text()
    values = json.loads(whole)
    key = data.draw(st.sampled_from(sorted(values)))
    configuration.write_text(json.dumps({**values, key: data.draw(_ANYTHING)}))
    try:
        entry = inspect_model(folder, "it")
    finally:
        configuration.write_text(whole)
    assert all(len(problem.splitlines()) == 1 for problem in entry.problems)
    return entry
