# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the deliverables: every goal met, and an error that is there is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskedit.deliverable import Deliverable, DeliverableFormat, DeliverableKind
from maskedit.finishing_benchmark import deliverables
from maskedit.outlets import Delivered


def test_every_goal_is_met_and_every_format_looked_at():
    rows = deliverables.measure()
    assert [row.name for row in rows if not row.met] == []
    names = " ".join(row.name for row in rows)
    assert all(word in names for word in ("FFV1", "ProRes", "H.264", "PNG", "EXR", "v210", "Stated error"))
    assert any(row.figure > 0 for row in rows if "ProRes" in row.name)


def test_a_changed_sample_is_found_on_its_side_of_the_matte(tmp_path):
    plate = deliverables._plate(0, "ramps")
    delivered = Delivered(tmp_path, Deliverable(kind=DeliverableKind.FULL, format=DeliverableFormat.V210), "", None)
    for plane, place, expected in (
        (0, (0, 0), (5, 0)),
        (0, (70, 100), (0, 5)),
        (2, (70, 50), (0, 5)),
        (1, (1, 3), (5, 0)),
    ):
        planes = [samples.copy() for samples in plate.planes]
        planes[plane][place] += np.uint16(5)
        changed = replace(plate, planes=tuple(planes))
        assert deliverables._error(delivered, plate, changed) == expected
