# SPDX-License-Identifier: GPL-3.0-or-later
"""How a running edit speaks and how it is stopped (torch-free)."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """The stages inside RUNNING, in the order in which a job passes them."""

    PREPARE = "prepare"
    ENCODE = "encode"
    TUNE_MOTION = "tune_motion"
    TUNE_APPEARANCE = "tune_appearance"
    RENDER = "render"
    COMPOSITE = "composite"
    WRITE = "write"


class Cancelled(BaseException):
    """The job is to stop. `resumes`: it will be gone on with, so what has been done is worth keeping.

    A BaseException, so that no `except Exception` between the loop that notices and the worker that answers
    can swallow it or log it as a failure.
    """

    def __init__(self, *, resumes: bool = False) -> None:
        super().__init__()
        self.resumes = resumes


class Ask(StrEnum):
    """What the user may ask of an edit while it is tuned. sample: a picture rendered as it is now; save: its adapter
    as it is now, kept."""

    SAMPLE = "sample"
    SAVE = "save"


class Reporter(Protocol):
    """Where a stage reports each unit of work; the caller decides what becomes of it."""

    def report(
        self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None
    ) -> Ask | None:
        """Say that `done` of `total` units (steps, frames) of `stage` are finished, and hear what is asked for.

        `message` is for a person; `preview` is a JPEG or PNG file's bytes. What is asked for comes once; stages other
        than tuning let it pass.
        Raises Cancelled when the job was asked to stop: call it at least once a second in long loops.
        """
        ...


class SilentReporter:
    """Reports to nobody and never cancels: for library use and tests."""

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        pass
