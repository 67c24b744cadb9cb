# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit edit --local`: the edit in a process of its own, without a server."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from rich.console import Console

from plugin_client.cli.progress import display_for
from plugin_client.core.alone import Alone
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput, JobCancelled
from plugin_client.core.job import Job
from plugin_client.core.requests import EditOptions, build_edit


def edit_alone(options: argparse.Namespace, edit_options: EditOptions, out: Path, *, console: Console) -> Job:
    """Run the edit and leave its result at `out`. Ctrl-C ends it: nobody else could go on with it.

    Raises BadInput, JobFailed, JobCancelled or TransferError.
    """
    named = ("server", "token_file", "tls_ca", "tls_cert", "tls_key")
    given = [f"--{name.replace('_', '-')}" for name in named if getattr(options, name)]
    if given:
        raise BadInput(f"--local needs no server: leave out {' and '.join(given)}, or leave out --local.")
    request = build_edit(edit_options)
    with closing(Alone(request, data_dir=data_dir(options.data_dir))) as alone:
        try:
            with display_for(console) as display:
                for event in alone:
                    display.show(event)
            return alone.take(out)
        except KeyboardInterrupt:
            raise JobCancelled("The edit was cancelled.") from None
