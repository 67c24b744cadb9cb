# SPDX-License-Identifier: GPL-3.0-or-later
"""Each case is the same every time, and its truth is right because of how it was made."""

import numpy as np
import pytest

from maskedit.benchmark import footage, scenes
from maskedit.benchmark.cases import write_case
from maskedit.benchmark.suites import QUICK, SUITES
from maskedit.media import ClipReader, read_picture
from maskedit.recolour import FOX, recolour

CASES = SUITES["quality"].cases
SMALL = {"name": "small", "about": "", "frames": 6, "size": 48}


def decoded(path) -> np.ndarray:
    with ClipReader(path) as clip:
        frames = clip.frames(0, clip.facts.frame_count - 1)
        return np.stack([np.rint(plate.rgb() * 255).astype(np.uint8) for plate in frames])


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_an_edit_inside_its_matte_that_can_be_asked_for(name):
    case = CASES[name]()
    frames = len(case.source)
    assert case.name == name and case.about
    assert case.source.shape == case.truth.shape == (*case.matte.shape, 3)
    outside = case.matte == 0
    assert outside.any() and np.array_equal(case.source[outside], case.truth[outside])
    assert min(case.keyframes) == 0 and max(case.keyframes) < frames
    assert not set(case.judged) & set(case.keyframes)
    for frame in case.keyframes:
        assert (case.matte[frame] > 0).sum() > 200, "a keyframe must show its region"
    changed = np.abs(case.source.astype(int) - case.truth).mean(axis=-1)[case.matte == 255].mean()
    assert changed == 0 if name == "identity" else changed > 15


@pytest.mark.parametrize("name", QUICK.cases)
def test_a_case_is_the_same_each_time(name):
    assert QUICK.cases[name]().digest == QUICK.cases[name]().digest


def test_seeds_and_edits_tell_cases_apart_and_stage_1_sees_the_clip_alone():
    first, other = scenes.repainted(1, **SMALL), scenes.repainted(2, **SMALL)
    assert first.digest != other.digest and first.clip_digest != other.clip_digest
    fox = footage.recoloured(name="fox", about="", frames=3)
    same = footage.unchanged(name="same", about="", frames=3)
    two = footage.recoloured(name="two", about="", frames=3, keyframes=(0, 2))
    assert len({case.digest for case in (fox, same, two)}) == 3
    assert fox.clip_digest == same.clip_digest == two.clip_digest


def test_a_recolour_is_the_rule_applied_to_each_frame():
    case = footage.recoloured(name="fox", about="", frames=3)
    wanted = recolour(case.source[2] / np.float32(255), case.matte[2] / np.float32(255), ramp=FOX)
    assert np.abs(wanted * 255 - case.truth[2]).max() <= 0.5


def test_a_look_that_changes_begins_as_one_and_ends_as_another():
    case = scenes.changing(4, keyframes=(0, 5), **SMALL)
    steady = scenes.repainted(4, **SMALL)
    assert np.array_equal(case.source, steady.source)
    assert np.array_equal(case.truth[0], steady.truth[0])
    apart = [np.abs(a.astype(int) - b).mean() for a, b in zip(case.truth, steady.truth, strict=True)]
    assert apart[0] == 0 and apart == sorted(apart) and apart[-1] > 3
    assert case.judged == (4,)


def test_what_is_uncovered_was_hidden_in_the_keyframe(monkeypatch):
    """The hidden half of the surface is painted red, the half that frame 0 shows green."""

    def halves(turned, rows, *, radius):
        hidden = (turned > np.pi / 2)[..., None]
        return np.where(hidden, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))

    monkeypatch.setattr(scenes, "_bands", halves)
    case = scenes.turning(3, **SMALL)
    red = case.truth[..., 0].astype(int) - case.truth[..., 1]
    # At a soft outline the ground shines through, and at the very rim neither colour says much.
    solid = (case.matte == 255) & (np.abs(red) > 60)
    uncovered = case.uncovered == 255
    assert not uncovered[0].any()
    assert (red[solid & uncovered] > 0).all() and (red[solid & ~uncovered] < 0).all()
    grown = uncovered.sum(axis=(1, 2))
    assert (np.diff(grown) >= 0).all() and 0.4 < grown[-1] / (case.matte[-1] == 255).sum() < 0.6


def test_files_hold_the_case_bit_for_bit(tmp_path):
    case = scenes.turning(3, **SMALL)
    files = write_case(case, tmp_path / "case")
    assert np.array_equal(decoded(files.source), case.source)
    assert np.array_equal(decoded(files.truth), case.truth)
    assert np.array_equal(decoded(files.matte)[..., 0], case.matte)
    assert files.uncovered and np.array_equal(decoded(files.uncovered)[..., 0], case.uncovered)
    assert np.array_equal(np.rint(read_picture(files.keyframes[0]) * 255), case.truth[0])
    assert write_case(scenes.repainted(1, **SMALL), tmp_path / "other").uncovered is None
