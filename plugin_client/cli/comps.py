# SPDX-License-Identifier: GPL-3.0-or-later
"""Comps beside a fetched result: written on this machine, because they name the files where they lie here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from plugin_client.cli.destination import READ_BY_HOSTS
from plugin_client.cli.local_verbs import LOCAL_VERBS, run_module
from plugin_client.core.errors import BadInput
from plugin_client.core.job import Job
from plugin_client.core.results import beside, delivered_at

COMPS = ("nk", "fusion")
_ENDINGS = {"nk": ".nk", "fusion": ".comp"}


def write_comps(comps: Sequence[str], job: Job, out: Path, *, plate: str) -> list[Path]:
    """Write the comps, by their names in COMPS, beside the result at `out`; returns where they lie.

    `plate`: the clip. Raises BadInput where the record beside the result names nothing to lay over it.
    """
    written: list[Path] = []
    if not comps or job.result is None:
        return written
    given = {each["kind"]: each["path"] for each in reversed(delivered_at(out)) if each["format"] in READ_BY_HOSTS}
    over = "patch" if "patch" in given else "fill"
    if not {over, "matte"} <= {*given}:
        raise BadInput(f"The result {out} has no patch and matte for a comp: ask for them with --deliver.")
    frames = job.result.frames
    arguments = ["--plate", os.path.abspath(plate), f"--{over}", given[over], "--matte", given["matte"]]
    arguments += ["--frames", f"{frames.first}-{frames.last}"]
    for comp in dict.fromkeys(comps):
        path = beside(out, _ENDINGS[comp])
        run_module(LOCAL_VERBS["comp"].module, *arguments, "--out", path)
        written.append(path)
    return written
