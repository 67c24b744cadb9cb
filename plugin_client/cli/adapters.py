# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit adapters list|export|delete`: what earlier edits learned of their clips."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.table import Column, Table

from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.parsing import add_server_options, connect_from
from plugin_client.core.adapters import Adapters
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput


def add_to(verbs: Any) -> None:
    """Register the verb and its own verbs."""
    adapters = verbs.add_parser("adapters", help="list, export and delete tuned adapters (LoRA files)").add_subparsers(
        dest="adapters_verb", required=True, metavar="VERB"
    )
    for name, run, words in (
        ("list", _list, "the adapters that the server keeps, newest first"),
        ("export", _export, "save an adapter as a safetensors file"),
        ("delete", _delete, "remove an adapter; a later edit of its clip tunes a new one"),
    ):
        parser = adapters.add_parser(name, help=words)
        if name != "list":
            parser.add_argument("adapter_id", metavar="ADAPTER")
        if name == "export":
            parser.add_argument("--out", required=True, metavar="FILE", help="the .safetensors file to write")
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
        add_server_options(parser)
        parser.set_defaults(run=_run, act=run)


def _run(options: argparse.Namespace) -> int:
    with connect_from(options) as connection:
        facts = options.act(connection, options)
    if options.json:
        print_json(facts)
    return 0


def _list(connection: Connection, options: argparse.Namespace) -> dict[str, Any]:
    found = Adapters(connection).list()
    if not options.json:
        table = Table(Column("adapter", min_width=32, no_wrap=True), "made", "size", box=None, pad_edge=False)
        for one in found:
            made = one.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
            table.add_row(one.adapter_id, made, f"{one.size_bytes / 1e6:.1f} MB")
        console_for(as_json=False).print(table if found else "No adapters yet: `maskedit edit` tunes one per clip.")
    return {
        "adapters": [
            {
                "adapter_id": one.adapter_id,
                "size_bytes": one.size_bytes,
                "created_at": one.created_at.isoformat(),
                "metadata": dict(one.metadata),
            }
            for one in found
        ]
    }


def _export(connection: Connection, options: argparse.Namespace) -> dict[str, Any]:
    out = Path(options.out).expanduser().absolute()
    if out.suffix != ".safetensors":
        raise BadInput(f"An adapter is a .safetensors file, and --out {options.out} is not: change its ending.")
    if out.is_dir() or not out.parent.is_dir():
        raise BadInput(f"--out {options.out} cannot be written there: name a file in a folder that exists.")
    Adapters(connection).download(options.adapter_id, out)
    if not options.json:
        console_for(as_json=False).print(f"Wrote {out}")
    return {"adapter_id": options.adapter_id, "result": str(out)}


def _delete(connection: Connection, options: argparse.Namespace) -> dict[str, Any]:
    Adapters(connection).delete(options.adapter_id)
    if not options.json:
        console_for(as_json=False).print(f"Deleted {options.adapter_id}")
    return {"adapter_id": options.adapter_id, "deleted": True}
