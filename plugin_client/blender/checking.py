# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's look at an order before it is run: what would spoil it, and how long each preset would take."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugin_client.blender.orders import Order
from plugin_client.blender.runs import Prepares
from plugin_client.blender.session import Session
from plugin_client.blender.wording import in_words, plain
from plugin_client.core.errors import ClientError
from plugin_client.core.progress import span_words

if TYPE_CHECKING:
    from plugin_client.core.findings import Check

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """`findings`: (severity: "error", "warning" or "note"; sentence), the worst first. `times`: how long each preset
    would take, in words, where that is known; `problems`: why a preset cannot be run."""

    findings: tuple[tuple[str, str], ...]
    times: Mapping[str, str]
    problems: Mapping[str, str]


class _GivenUp(Exception):
    """A newer check is wanted."""


class Checks:
    """One check at a time; `put` hands an answer to the main thread."""

    def __init__(self, session: Session, put: Callable[[Callable[[], None]], None]) -> None:
        self._session, self._put = session, put
        self._latest = threading.Event()

    def check(
        self,
        order: Order,
        prepares: Prepares,
        callback: Callable[[Looked | None, str], None],
        *,
        done: Callable[[], None],
    ) -> None:
        """See `Engine.check`. `done` is called on the thread, when what was prepared is not needed any more."""
        self._latest.set()
        given_up = self._latest = threading.Event()

        def answer(looked: Looked | None, problem: str) -> None:
            self._put(lambda: None if given_up.is_set() else callback(looked, problem))

        def run() -> None:
            try:
                answer(self._look(order, prepares, given_up), "")
            except _GivenUp:
                pass
            except Exception as error:
                if not isinstance(error, ClientError):
                    _log.exception("a check")
                answer(None, in_words(error))
            finally:
                done()

        threading.Thread(target=run, name="maskedit-check", daemon=True).start()

    def stop(self) -> None:
        """Give up what is under way."""
        self._latest.set()

    def _look(self, order: Order, prepares: Prepares, given_up: threading.Event) -> Looked:
        from plugin_client.blender.sending import edit_of, pictures_of
        from plugin_client.core.findings import check_of
        from plugin_client.core.jobs import Jobs
        from plugin_client.core.requests import references_of
        from plugin_client.core.upload import make_available

        def progress(*_: int) -> None:
            if given_up.is_set():
                raise _GivenUp

        pictures = pictures_of(order, prepares.folder)
        clip = prepares.clip(progress) if prepares.clip is not None else order.strip_shot.shot.media
        matte = prepares.matte(progress)
        edit = edit_of(order, clip=clip, matte=matte, pictures=pictures)
        with self._session.connection() as connection:
            progress()
            connection.system()
            make_available(connection, references_of(edit))
            progress()
            return looked(check_of(Jobs(connection).check(edit)))


def looked(check: Check) -> Looked:
    """The server's answer in the add-on's words."""
    return Looked(
        findings=tuple((finding.severity, plain(finding.sentence)) for finding in check.findings),
        times={each.preset: span_words(each.least_seconds, each.most_seconds) for each in check.estimates},
        problems={each.preset: plain(each.problem) for each in check.estimates if each.problem},
    )
