# SPDX-License-Identifier: GPL-3.0-or-later
"""What several verbs' options have in common: one-sentence errors, the server's options, frames and pictures."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from plugin_client.core.connection import Connection
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput
from plugin_client.core.job import PRIORITIES
from plugin_client.core.local_server import connect
from plugin_client.core.requests import ADAPTER_ROLES, SETTINGS, GivenAdapter, Picture, parse_setting

_ADAPTER = re.compile(rf"([0-9a-f]+)(?::({'|'.join(ADAPTER_ROLES)}))?(?:@(\d*\.?\d+))?")
_EXTENT = re.compile(r"(.+)@(\d+),(\d+),(\d+)x(\d+)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that reports bad usage like any bad input: one sentence, no usage text."""

    def error(self, message: str) -> NoReturn:
        sentence = message[0].upper() + message[1:].rstrip(".")
        raise BadInput(f"{sentence}: see `{self.prog} --help`.")


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which server to talk to."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--server",
        default="",
        metavar="ADDRESS",
        help="HOST:PORT or unix:PATH (default: MASKEDIT_SERVER, else the local server)",
    )
    group.add_argument("--token-file", metavar="FILE", help="holds that server's token (default: MASKEDIT_TOKEN)")
    group.add_argument(
        "--tls-ca",
        default="",
        metavar="FILE",
        help="certificate of the authority to trust for a server elsewhere (default: MASKEDIT_TLS_CA)",
    )
    group.add_argument(
        "--tls-cert",
        default="",
        metavar="FILE",
        help="this client's own certificate, for a server that asks (default: MASKEDIT_CLIENT_CERT)",
    )
    group.add_argument("--tls-key", default="", metavar="FILE", help="its key (default: MASKEDIT_CLIENT_KEY)")
    group.add_argument(
        "--data-dir", default=None, metavar="DIR", help="the local server's data folder (default: MASKEDIT_DATA_DIR)"
    )


def add_priority_option(parser: argparse.ArgumentParser) -> None:
    """`--priority`, for verbs that queue a job."""
    parser.add_argument(
        "--priority",
        choices=PRIORITIES,
        default="normal",
        help="which job goes first of those that wait; one that runs is left alone (default normal)",
    )


def add_setting_option(parser: argparse.ArgumentParser) -> None:
    """`--set NAME=VALUE`, for tests and for people who know what they do."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"override one value of the preset (repeatable): {', '.join(SETTINGS)}",
    )


def settings_from(options: argparse.Namespace) -> dict[str, Any]:
    """What `--set` asks for. Raises BadInput, naming the settings that exist."""
    return dict(map(parse_setting, options.set))


def connect_from(options: argparse.Namespace) -> Connection:
    """The connection that the options name, to a server that has answered; starts the local one if need be.

    Raises BadInput, or ServerUnreachable at once: only a server that was there is waited for.
    """
    connection = connect(
        server=options.server,
        token=given_token(options.token_file),
        certificate=options.tls_ca,
        client_certificate=options.tls_cert,
        client_key=options.tls_key,
        data_dir=data_dir(options.data_dir),
    )
    try:
        connection.system()
    except BaseException:
        connection.close()
        raise
    return connection


def given_token(file: str | None) -> str:
    """The token in `--token-file`, "" where that was not given. Raises BadInput."""
    # Read from a file and never from the command line, which every user of the machine can see.
    if file is None:
        return ""
    try:
        return Path(file).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise BadInput(f"The token file {file} cannot be read: check --token-file.") from error


def split_keyframe(text: str) -> tuple[str, str]:
    """`"N=IMAGE"` as its two sides. Raises BadInput."""
    label, equals, image = text.partition("=")
    if not equals or not label.strip() or not image:
        raise BadInput(f"The keyframe {text!r} cannot be read: give it as N=IMAGE, for example 0=frame.png.")
    return label.strip(), image


def picture_at(frame: int, image: str) -> Picture:
    """The keyframe picture `IMAGE` or `IMAGE@X,Y,WIDTHxHEIGHT`, a crop with its place in the frame."""
    match = _EXTENT.fullmatch(image)
    if match is None:
        return Picture(frame=frame, path=image)
    x, y, width, height = (int(match[group]) for group in (2, 3, 4, 5))
    return Picture(frame=frame, path=match[1], extent=(x, y, width, height))


def given_adapter(text: str) -> GivenAdapter:
    """`ID`, `ID:beside` or `ID:start@0.8`, where ID may be the beginning of one. Raises BadInput."""
    match = _ADAPTER.fullmatch(text)
    if match is None:
        roles = "|".join(ADAPTER_ROLES)
        raise BadInput(f"The adapter {text!r} cannot be read: give it as ID[:{roles}][@STRENGTH].")
    return GivenAdapter(adapter_id=match[1], role=match[2] or ADAPTER_ROLES[0], strength=float(match[3] or 1))
