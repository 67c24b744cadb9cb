# SPDX-License-Identifier: GPL-3.0-or-later
"""What a preset would take, in words: measured where a take of this project was, estimated elsewhere (no Qt)."""

from __future__ import annotations

from collections.abc import Iterable

from maskedit.request import MediaFacts
from plugin_client.core.findings import Estimate
from plugin_client.core.progress import about_words, span_words
from plugin_client.panel.model.document import Choices, Document
from plugin_client.panel.model.takes import Take

_GIGABYTE = 1e9


def time_words(
    preset: str, document: Document, facts: MediaFacts, *, estimate: Estimate | None, takes: Iterable[Take]
) -> str:
    """How long a run of the document with `preset` takes: "3 min, measured", "2–9 min", or "" if unknown.

    `takes`: newest first; the latest one that was tuned from the start with the same model and settings counts.
    """
    for take in takes:
        seconds = measured_seconds(take, preset, document.choices)
        if seconds is not None:
            share = _frames(document, facts) / max(1, _frames(take.document, facts))
            return f"{about_words(seconds * share)}, measured"
    return span_words(estimate.least_seconds, estimate.most_seconds) if estimate is not None else ""


def measured_seconds(take: Take, preset: str, choices: Choices) -> float | None:
    """What a take that was made so took on the whole; None if it was made otherwise or began from another's work."""
    made = take.document.choices
    # A draft knows neither model nor settings.
    same = made.preset == preset == "draft" or (
        (made.preset, made.model, made.settings) == (preset, choices.model, choices.settings)
    )
    stages = take.record.get("stage_seconds")
    if not same or not stages or take.parent or (take.record.get("adapter") or {}).get("reused"):
        return None
    return float(sum(stages.values()))


def memory_words(estimate: Estimate | None) -> str:
    """How much memory it takes: "2.1 GB", or "" if unknown or hardly any."""
    if estimate is None or not estimate.memory_bytes:
        return ""
    return f"{estimate.memory_bytes / _GIGABYTE:.1f} GB"


def _frames(document: Document, facts: MediaFacts) -> int:
    return len(document.frames) if document.frames is not None else facts.frame_count
