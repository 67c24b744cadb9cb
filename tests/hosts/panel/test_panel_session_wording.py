# SPDX-License-Identifier: GPL-3.0-or-later
"""What core, server and method say, in the panel's words."""

from __future__ import annotations

import inspect
import re

import pytest

from maskedit.preflight import estimates, watching
from plugin_client.core import errors
from plugin_client.core.errors import BadInput, ClientError, ServerUnreachable, TransferError
from plugin_client.panel.running.wording import in_words, plain

_COMMANDS = re.compile(r"`maskedit |--[a-z]")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("--preset draft shows the motion much sooner", "The Draft preset shows the motion much sooner"),
        ("edit each shot by itself, this one with --frames 3-17.", "in and out at 3 and 17"),
        ("draw it closer, or choose a larger model with --model", "another Model"),
        ("There is no adapter 'x': `maskedit adapters list` shows their ids.", "There is no adapter 'x'."),
        ("It failed: see `maskedit doctor`.", "It failed."),
        ("1920x1080 instead of 960x540: let it be scaled with --fit-keyframes.", "Fit keyframes"),
        ("widen it, or let the region take it with --take-changes", "Take changes outside the matte"),
    ],
)
def test_options_become_controls_and_commands_go(said: str, meant: str):
    assert meant in plain(said)
    assert not _COMMANDS.search(plain(said))


def test_a_sentence_without_options_stays_as_it_is():
    said = "Keyframe 3 shows no edit: paint it, or check its frame number and the matte."
    assert plain(said) == said


def test_every_sentence_with_an_option_in_the_preflight_loses_it():
    sources = inspect.getsource(estimates) + inspect.getsource(watching)
    said = [line for line in re.findall(r'"([^"\n]*--[a-z][^"\n]*)"', sources)]
    assert said
    assert not [line for line in said if _COMMANDS.search(plain(line))]


def test_every_reason_why_no_server_answers_loses_its_command():
    for sentence in errors._UNREACHABLE.values():
        assert "`" not in plain(sentence.format(details="no details"))


def test_errors_in_words():
    full = TransferError("x cannot be written: run `maskedit jobs watch`")
    full.__cause__ = OSError(28, "No space left on device")
    assert "No space left on device" in in_words(full) and "Fetch again" in in_words(full)
    assert in_words(BadInput("There is no file a.mov: check the path.")) == "There is no file a.mov: check the path."
    assert in_words(ServerUnreachable("It is older than this client: update the server.")).startswith("It is older")
    assert "diagnostics" in in_words(KeyError("frames"))
    assert "diagnostics" in in_words(ClientError(""))
