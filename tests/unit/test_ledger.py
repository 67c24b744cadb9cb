# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of a host's runs: entries replaced whole, held by one process, gone when they are forgotten."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from plugin_client.core.errors import ClientError
from plugin_client.core.ledger import Ledger
from plugin_client.core.locks import held, hold

HOLDS = """
import sys
from pathlib import Path
from plugin_client.core.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
print(ledger.hold(sys.argv[2]), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def ledger(tmp_path: Path):
    made = Ledger(tmp_path / "runs")
    yield made
    made.close()


def test_what_was_noted_is_there_for_the_next_one(ledger: Ledger, tmp_path: Path):
    assert ledger.runs() == ()
    first, second = ledger.new_run(), ledger.new_run()
    assert ledger.runs() == () and ledger.entry(first) == {}  # begun, but nothing is known of them
    ledger.note(second, step=1, of={"what": "ä"})
    ledger.note(first, step=1)
    ledger.note(second, step=2)
    other = Ledger(tmp_path / "runs")
    assert other.entry(second) == {"step": 2, "of": {"what": "ä"}}
    assert set(other.runs()) == {first, second} and other.runs()[-1] == second
    ledger.forget(first)
    assert other.runs() == (second,) and not ledger.folder(first).exists()
    assert other.entry(first) == {} and not other.hold(first)


def test_a_damaged_entry_is_none(ledger: Ledger):
    run_id = ledger.new_run()
    for text in ("", "{", "[1]", "\ufeff{}", "é"):
        (ledger.folder(run_id) / "entry.json").write_text(text, encoding="latin-1", errors="replace")
        assert ledger.entry(run_id) == {}
    ledger.note(run_id, step=3)
    assert ledger.entry(run_id) == {"step": 3}


def test_one_process_holds_a_run_until_it_lets_go_or_dies(ledger: Ledger, tmp_path: Path):
    run_id = ledger.new_run()
    ledger.note(run_id, step=1)
    assert ledger.hold(run_id)  # it has it already

    def other() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDS, str(tmp_path / "runs"), run_id]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    with other() as refused:
        assert refused.stdout.readline() == "False\n"
        refused.stdin.write("\n")
    ledger.release(run_id)
    holder = other()
    assert holder.stdout.readline() == "True\n" and not ledger.hold(run_id)
    holder.kill()
    holder.communicate()
    assert ledger.hold(run_id)


def test_an_entry_is_whole_whenever_it_is_read(ledger: Ledger, tmp_path: Path):
    run_id = ledger.new_run()
    ledger.note(run_id, a=0, b=0)
    over = threading.Event()

    def write() -> None:
        for number in range(150):
            ledger.note(run_id, a=number, b=number)
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    reader = Ledger(tmp_path / "runs")
    while not over.is_set():
        entry = reader.entry(run_id)
        assert entry["a"] == entry["b"]
        seen.add(entry["a"])
    writer.join()
    assert len(seen) > 1 and reader.entry(run_id) == {"a": 149, "b": 149}


def test_what_never_became_a_run_is_swept_once_it_is_old(ledger: Ledger, tmp_path: Path):
    kept, young, old = ledger.new_run(), ledger.new_run(), ledger.new_run()
    ledger.note(kept, step=1)
    ledger.close()
    for run_id in (kept, old):
        os.utime(ledger.folder(run_id), (time.time() - 2 * 86400,) * 2)
    with held(ledger.folder(old) / "lock"):
        ledger.sweep()
        assert ledger.folder(old).exists()  # somebody is at it
    os.utime(ledger.folder(old), (time.time() - 2 * 86400,) * 2)
    ledger.sweep()
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {kept, young}


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ClientError, match="MASKEDIT_DATA_DIR"):
        Ledger(tmp_path / "file").new_run()
    ledger = Ledger(tmp_path / "runs")
    with pytest.raises(ClientError, match="cannot be written"):
        ledger.note("nobody", step=1)


def test_a_held_file_is_waited_for(tmp_path: Path):
    path, order = tmp_path / "lock", []
    first = hold(path)
    assert first is not None and hold(path) is None

    def wait() -> None:
        with held(path):
            order.append("second")

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.15)
    order.append("first")
    first.close()
    waiting.join(5)
    assert order == ["first", "second"]
