# SPDX-License-Identifier: GPL-3.0-or-later
"""The result's clip is tagged as its source is, and what Resolve does not take is said."""

from __future__ import annotations

import pytest

from plugin_client.resolve.colour import copy_tags
from tests.hosts.resolve.fake.snapshot import each_failure

TAGS = {"Input Gamma": "S-Log3", "Input Color Space": "S-Gamut3.Cine", "Data Level": "Full"}


@pytest.fixture
def clips(stage, numbered_clip):
    """A source with tags, and a result without."""
    source, result = (stage.clip(numbered_clip(name, 2)) for name in ("a.mov", "r.mov"))
    for name, value in TAGS.items():
        source.SetClipProperty(name, value)
    return source, result


def tags(clip) -> dict[str, str]:
    return {name: clip.GetClipProperty(name) for name in (*TAGS, "Alpha mode")}


def test_the_result_is_told_what_its_source_is_told(clips):
    source, result = clips
    assert copy_tags(source, result, has_alpha=True) == ()
    assert tags(result) == TAGS | {"Alpha mode": "Straight"} and tags(source)["Alpha mode"] == ""


def test_without_alpha_and_without_tags_nothing_is_touched(clips, stage):
    source, result = clips
    for name in TAGS:
        source.SetClipProperty(name, "")
    done = len(stage.fake.calls)
    assert copy_tags(source, result, has_alpha=False) == () == copy_tags(None, result, has_alpha=False)
    assert "MediaPoolItem.SetClipProperty" not in stage.fake.calls[done:]


def test_a_generator_has_no_tags_and_its_result_still_has_alpha(clips):
    assert copy_tags(None, clips[1], has_alpha=True) == ()
    assert tags(clips[1]) == dict.fromkeys(TAGS, "") | {"Alpha mode": "Straight"}


class Stubborn:
    """A clip that says it takes a gamma and does not: colour management is off."""

    def __init__(self, clip) -> None:
        self._clip = clip

    def GetClipProperty(self, name: str) -> str:
        return self._clip.GetClipProperty(name)

    def SetClipProperty(self, name: str, value: str) -> bool:
        return name == "Input Gamma" or self._clip.SetClipProperty(name, value)


def test_a_success_that_changed_nothing_is_said(clips):
    (words,) = copy_tags(clips[0], Stubborn(clips[1]), has_alpha=True)
    assert words == "Resolve did not take Input Gamma (S-Log3) for the result: set it in its clip attributes."
    assert tags(clips[1]) == TAGS | {"Input Gamma": "", "Alpha mode": "Straight"}


def test_a_call_that_fails_once_is_made_good_and_one_that_fails_twice_is_said(clips, stage):
    source, result = clips
    done = len(stage.fake.calls)
    copy_tags(source, result, has_alpha=True)
    for call, nth in each_failure(stage.fake.calls[done:]):
        for name in (*TAGS, "Alpha mode"):
            result.SetClipProperty(name, "")
        stage.fake.fail(call, nth)
        assert copy_tags(source, result, has_alpha=True) == ()
        stage.fake.door.forget_failures()
        assert tags(result) == TAGS | {"Alpha mode": "Straight"}, (call, nth)
    result.SetClipProperty("Data Level", "")
    for nth in (1, 2):
        stage.fake.fail("MediaPoolItem.SetClipProperty", nth)
    (words,) = copy_tags(source, result, has_alpha=True)
    assert "Data Level (Full)" in words and "Gamma" not in words
