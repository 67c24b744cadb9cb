# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit preflight`: what would spoil an edit, found in seconds and without starting it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from plugin_client.cli.apart import call_apart
from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.edit import add_clip, add_edit_options, offer, options_from, with_known_names
from plugin_client.cli.parsing import connect_from
from plugin_client.core.findings import findings_of
from plugin_client.core.jobs import Jobs
from plugin_client.core.requests import build_edit

_BAD_INPUT = 2
_MARKS = {"error": "✗", "warning": "!", "note": "·"}


def add_to(verbs: Any) -> None:
    """Register the verb: the options of `edit`, less where the result goes."""
    parser = verbs.add_parser("preflight", help="say what would spoil an edit, before it is started")
    add_clip(parser)
    add_edit_options(parser)
    parser.set_defaults(run=run, out="edited.mkv")


def run(options: argparse.Namespace) -> int:
    """Print every finding; 2 where the edit would be refused, else 0."""
    console = console_for(as_json=options.json)
    request = build_edit(options_from(options))
    with connect_from(options) as connection:
        request = with_known_names(connection, request)
        offer(connection, request, console=console)
        answer = next(call_apart(lambda: Jobs(connection).check(request)))
    findings = findings_of(answer.findings)
    refused = any(finding.severity == "error" for finding in findings)
    if options.json:
        said = [asdict(finding) | {"sentence": finding.sentence} for finding in findings]
        frames = {"first": answer.frames.first, "last": answer.frames.last}
        print_json({"ok": not refused, "frames": frames, "findings": said})
    for finding in findings:
        console.print(f"{_MARKS[finding.severity]} {finding.sentence}")
    return _BAD_INPUT if refused else 0
