# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a day, made by openssl: what the tests of TLS show and trust."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2"
_REQUEST = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Pair:
    """The PEM files of a certificate and its key."""

    cert: Path
    key: Path


def certify(folder: Path, name: str, *, by: Pair | None = None, names: str = _NAMES) -> Pair:
    """A certificate for this machine's loopback addresses, vouched for `by` an authority or by itself."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    signing = [] if by is None else ["-CA", by.cert, "-CAkey", by.key]
    about = ["-days", "2", "-subj", f"/CN={name}", "-addext", names]
    command = [*_REQUEST, *about, *signing, "-keyout", pair.key, "-out", pair.cert]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    return pair


def let_expire(pair: Pair) -> Pair:
    """The same, vouched for by itself until yesterday."""
    expired = pair.cert.with_suffix(".expired.pem")
    command = ["openssl", "x509", "-in", pair.cert, "-signkey", pair.key, "-days", "-1", "-out", expired]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    return Pair(expired, pair.key)
