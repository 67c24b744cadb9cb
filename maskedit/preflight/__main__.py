# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m maskedit.preflight --data-dir DIR [--seconds N]`: check and preflight for the server (torch-free).

An EditRequest as JSON on stdin, one JSON object on stdout: that of `maskedit.checking`, with the `findings` of the
preflight and the `estimates` of every preset; the exit status is 0 either way.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from maskedit.catalogue import Catalogue
from maskedit.checking import CheckedEdit, check_edit
from maskedit.errors import InputError, in_one_line
from maskedit.findings import Finding, PresetEstimate
from maskedit.preflight.estimates import estimates_of
from maskedit.preflight.running import preflight
from maskedit.request import from_json

_SECONDS = 4.0
_TOO_BIG = "The clip, a matte or a keyframe takes more memory than the server gives to a check: scale it down."


def report(text: str | bytes, *, models: Catalogue, seconds: float) -> dict[str, Any]:
    """Check and look at the edit request in `text` (JSON) and say what came of it as plain data."""
    try:
        request = from_json(text)
        checked = check_edit(request)
        findings = preflight(request, checked, models=models, seconds=seconds)
        estimates = estimates_of(request, checked, entry=models.find(request.model))
    except InputError as error:
        return {"ok": False, "error": in_one_line(error)}
    except MemoryError:
        return {"ok": False, "error": _TOO_BIG}
    return {
        "ok": True,
        **TypeAdapter(CheckedEdit).dump_python(checked, mode="json"),
        "findings": TypeAdapter(tuple[Finding, ...]).dump_python(findings, mode="json"),
        "estimates": TypeAdapter(tuple[PresetEstimate, ...]).dump_python(estimates, mode="json"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="maskedit.preflight", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=_SECONDS)
    options = parser.parse_args()
    said = report(sys.stdin.buffer.read(), models=Catalogue(options.data_dir), seconds=options.seconds)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
