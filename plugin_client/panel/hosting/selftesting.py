# SPDX-License-Identifier: GPL-3.0-or-later
"""The self-test in Resolve as it is started from its menu: what it says lies in a file, beside all that was said."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from maskedit.errors import MaskEditError
from maskedit.media import ClipReader
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput, ClientError
from plugin_client.resolve.recording import Recorder
from plugin_client.resolve.remote import hang_up, resolve_from_environment
from plugin_client.resolve.selftest import selftest

REPORT, WIRE = "report.txt", "conversation.jsonl"


def run_selftest(*, show: Callable[[str], object] = webbrowser.open) -> int:
    """Run it on the Resolve that started this process, `show` the report's address; returns the exit code.

    Report and recording lie in a new folder in the data folder.
    """
    folder = data_dir() / "resolve" / f"selftest-{datetime.now():%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True)
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    code = 0
    try:
        with Recorder(folder / WIRE) as recorder:
            resolve = resolve_from_environment(on_call=recorder.note)
            try:
                code = 0 if selftest(resolve, folder / "media", say=say, grey=grey_of) else 4
            finally:
                hang_up(resolve)
    except ClientError as error:
        say(str(error))
        code = error.exit_code
    say(f"This report, and all that Resolve was asked and answered: {folder}")
    (folder / REPORT).write_text("\n".join(lines) + "\n", encoding="utf-8")
    show((folder / REPORT).as_uri())
    return code


def grey_of(media: str, frame: int) -> float:
    """The mean of a frame's encoded samples, 0 to 255. Raises BadInput for what cannot be read."""
    try:
        with ClipReader(Path(media)) as clip:
            (plate,) = clip.frames(frame, frame)
            return float(plate.encoded_rgb().mean()) * 255
    except MaskEditError as error:
        raise BadInput(str(error)) from error
