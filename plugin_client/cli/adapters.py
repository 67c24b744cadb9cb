# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit adapters list|import|export|delete`: what earlier edits learned of their clips, and other tools' LoRAs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from rich.table import Column, Table

from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.parsing import add_server_options, connect_from
from plugin_client.core.adapters import FORMATS, Adapter, Adapters
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput

_SHOWN_ID = 12
_STAGES = {"tune_motion": "a clip's motion", "tune_appearance": "an edit", "imported": "imported"}
# Wan 2.2's own words for its two transformers, which other tools put into file names.
_EXPERT_NAMES = {"transformer": "high_noise", "transformer_2": "low_noise"}


def add_to(verbs: Any) -> None:
    """Register the verb and its own verbs."""
    adapters = verbs.add_parser(
        "adapters", help="list, import, export and delete adapters (LoRA files)"
    ).add_subparsers(dest="adapters_verb", required=True, metavar="VERB")
    _verb(adapters, "list", _list, "the adapters that the server keeps, newest first")
    importing = _verb(adapters, "import", _import, "keep another tool's LoRA, or one exported here, as an adapter")
    importing.add_argument(
        "file", metavar="FILE", help="a safetensors file of diffusers, ComfyUI, diffusion-pipe, kohya"
    )
    importing.add_argument(
        "--model", default="", metavar="NAME|DIR", help="what it is for (default: the bundled model)"
    )
    importing.add_argument("--expert", default="", choices=tuple(_EXPERT_NAMES), help="which of its two transformers")
    importing.add_argument("--name", default="", help="what to call it (default: the file's name)")
    export = _verb(adapters, "export", _export, "save an adapter as a safetensors file")
    export.add_argument("--out", required=True, metavar="FILE", help="the .safetensors file to write")
    export.add_argument(
        "--format", default="", choices=FORMATS, help="whose key names to use (default: MaskEdit's own)"
    )
    delete = _verb(adapters, "delete", _delete, "remove an adapter; a later edit of its clip tunes a new one")
    for parser in (export, delete):
        parser.add_argument("adapter_id", metavar="ADAPTER", help="its id, or the beginning of it")


def _verb(adapters: Any, name: str, run: Any, words: str) -> argparse.ArgumentParser:
    parser = adapters.add_parser(name, help=words)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    add_server_options(parser)
    parser.set_defaults(run=_run, act=run)
    return parser


def _run(options: argparse.Namespace) -> int:
    with connect_from(options) as connection:
        facts = options.act(connection, options)
    if options.json:
        print_json(facts)
    return 0


def _list(connection: Connection, options: argparse.Namespace) -> dict[str, Any]:
    found = Adapters(connection).list()
    if not options.json:
        columns = ("what", "clip", "model", "steps", "rank", "size", "made")
        table = Table(Column("adapter", no_wrap=True), *columns, box=None, pad_edge=False)
        for one in found:
            table.add_row(one.adapter_id[:_SHOWN_ID], *_words(one))
        empty = "No adapters yet: `maskedit edit` tunes one per clip, `maskedit adapters import` takes one."
        console_for(as_json=False).print(table if found else empty)
    return {"adapters": [_facts(one) for one in found]}


def _words(one: Adapter) -> tuple[str, ...]:
    about = one.metadata
    return (
        _STAGES.get(about.get("stage", ""), "?"),
        about.get("name") or about.get("clip", "")[:_SHOWN_ID],
        about.get("model", "?"),
        about.get("steps", ""),
        about.get("rank", "?"),
        f"{one.size_bytes / 1e6:.1f} MB",
        one.created_at.astimezone().strftime("%Y-%m-%d %H:%M"),
    )


def _facts(one: Adapter) -> dict[str, Any]:
    return {
        "adapter_id": one.adapter_id,
        "size_bytes": one.size_bytes,
        "created_at": one.created_at.isoformat(),
        "metadata": dict(one.metadata),
    }


def _import(connection: Connection, options: argparse.Namespace) -> dict[str, Any]:
    file = Path(options.file).expanduser()
    if not file.is_file():
        raise BadInput(f"There is no LoRA file {options.file}: check its path.")
    # A folder means the same from everywhere; a name is the server's to know.
    model = os.path.abspath(options.model) if os.sep in options.model else options.model
    name = options.name or file.stem
    adapter = Adapters(connection).add(file, model=model, expert=options.expert, name=name)
    if not options.json:
        said = console_for(as_json=False)
        said.print(f"Adapter {adapter.adapter_id}")
        said.print(f"Use it with `maskedit edit … --adapter {adapter.adapter_id[:_SHOWN_ID]}:beside` (or :start)")
    return _facts(adapter)


def _export(connection: Connection, options: argparse.Namespace) -> dict[str, Any]:
    out = Path(options.out).expanduser().absolute()
    if out.suffix != ".safetensors":
        raise BadInput(f"An adapter is a .safetensors file, and --out {options.out} is not: change its ending.")
    if out.is_dir() or not out.parent.is_dir():
        raise BadInput(f"--out {options.out} cannot be written there: name a file in a folder that exists.")
    adapters = Adapters(connection)
    adapter = adapters.find(options.adapter_id)
    files = {"": out}
    if options.format and len(adapter.experts) > 1:  # other tools take one file per transformer
        files = {part: out.with_stem(f"{out.stem}_{_EXPERT_NAMES[part]}") for part in adapter.experts}
    for expert, path in files.items():
        adapters.download(adapter.adapter_id, path, format=options.format, expert=expert)
        if not options.json:
            console_for(as_json=False).print(f"Wrote {path}")
    return {
        "adapter_id": adapter.adapter_id,
        "result": str(next(iter(files.values()))),
        "files": [str(path) for path in files.values()],
    }


def _delete(connection: Connection, options: argparse.Namespace) -> dict[str, Any]:
    adapters = Adapters(connection)
    adapter = adapters.find(options.adapter_id)
    adapters.delete(adapter.adapter_id)
    if not options.json:
        console_for(as_json=False).print(f"Deleted {adapter.adapter_id}")
    return {"adapter_id": adapter.adapter_id, "deleted": True}
