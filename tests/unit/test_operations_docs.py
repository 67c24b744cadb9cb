# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shipped for running a server, and the page about it, fit the server."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from bridge_server.jobs.store import JobStore
from bridge_server.metrics import Figures
from bridge_server.settings import Settings, load_settings
from bridge_server.tally import Count, Tally

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
CONTAINER = (ROOT / "packaging" / "Containerfile").read_text()


def test_every_metric_of_ours_is_on_the_page_and_every_one_on_the_page_is_there(tmp_path: Path) -> None:
    tally, registry = Tally(), CollectorRegistry()
    tally.add(Count.STAGE_SECONDS, 1, label="render")
    registry.register(Figures(JobStore(tmp_path / "jobs.sqlite"), {"logs": tmp_path}, tally=tally))
    served = {line.split("{")[0].split(" ")[0] for line in generate_latest(registry).decode().splitlines()} - {"#"}
    named = set(re.findall(r"`(maskedit_[a-z_]+)", PAGE.split("## Metrics")[1].split("## Logs")[0]))
    assert {re.sub("_(sum|count)$", "", name) for name in served} == named


def test_the_quotas_on_the_page_are_settings() -> None:
    named = {name.replace("-", "_") for name in re.findall(r"`([a-z]+-quota-gb)`", PAGE)}
    assert named == {name for name in Settings.model_fields if name.endswith("quota_gb")} - {"adapter_quota_gb"}


def test_the_container_copies_what_is_there_and_gives_settings_that_fit(tmp_path: Path) -> None:
    copied = [
        line.split()[1:-1] for line in CONTAINER.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    assert copied and all((ROOT / name).exists() for names in copied for name in names)
    (given,) = re.findall(r"^CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    settings = load_settings([*json.loads(given), "--data-dir", str(tmp_path)])
    assert not settings.loopback and settings.tls_key is not None
    assert f"EXPOSE {settings.listen.rpartition(':')[2]}\n" in CONTAINER
