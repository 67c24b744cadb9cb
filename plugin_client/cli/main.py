# SPDX-License-Identifier: GPL-3.0-or-later
"""The `maskedit` command: finds the verb, runs it, and turns every failure into a sentence and an exit code.

Exit codes: 0 done; 1 a defect of MaskEdit; 2 bad usage or bad input; 3 server unreachable or refused; 4 the job
failed; 130 cancelled.
"""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from plugin_client.cli import adapters, demo, doctor, edit, fix, jobs, ofx, preflight, resolve, timeline, watch
from plugin_client.cli.console import print_json
from plugin_client.cli.local_verbs import LOCAL_VERBS, run_local
from plugin_client.cli.parsing import Parser
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import ClientError, JobCancelled, JobFailed

DEFECT = 1
CANCELLED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code; never raises, and never shows a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name or mark that the terminal cannot show stops nothing
    try:
        if given and given[0] in LOCAL_VERBS:
            return run_local(given[0], given[1:])
        options = build_parser().parse_args(given)
        return options.run(options)
    except ClientError as error:
        return _say(error, as_json=as_json)
    except KeyboardInterrupt:
        return CANCELLED
    except BrokenPipeError:  # whoever read our output has left; nothing more may be written, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        return _log_defect()


def build_parser() -> Parser:
    """The parser of all verbs; those that are programs of their own are only named."""
    parser = Parser(
        prog="maskedit",
        description="Repaint one region of a clip by editing a frame or two.",
        epilog="`maskedit VERB --help` shows a verb's options.",
    )
    parser.add_argument("--version", action="version", version=f"maskedit {_version()}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in (edit, preflight, fix, timeline, watch, jobs, adapters):
        verb.add_to(verbs)
    for name, local in LOCAL_VERBS.items():
        verbs.add_parser(name, help=local.words, add_help=False)
    for verb in (demo, doctor, resolve, ofx):
        verb.add_to(verbs)
    return parser


def _say(error: ClientError, *, as_json: bool) -> int:
    print(error, file=sys.stderr, flush=True)
    if as_json:
        state = {JobFailed: "FAILED", JobCancelled: "CANCELLED"}.get(type(error))
        print_json({"job_id": error.job_id or None, "state": state, "result": None, "error": str(error)})
    return error.exit_code


def _log_defect() -> int:
    """Keep the traceback for the people who mend it, and tell the user where it is."""
    text = traceback.format_exc()
    path = data_dir() / "logs" / time.strftime("client-%Y%m%d-%H%M%S.log")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        where = f"please report it with {path}"
    except OSError:
        where = f"please report it ({text.strip().splitlines()[-1]})"
    print(f"MaskEdit has a defect: {where}.", file=sys.stderr, flush=True)
    return DEFECT


def _version() -> str:
    try:
        return version("maskedit")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
