# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight says of clips with known faults, and that it keeps quiet about good ones."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskedit.catalogue import Catalogue
from maskedit.checking import check_edit
from maskedit.devices import Device
from maskedit.findings import Finding, Severity
from maskedit.media import write_picture
from maskedit.preflight import preflight
from maskedit.preflight.estimates import estimate, estimate_findings, region_plan, size_finding
from maskedit.preflight.watching import Watched, cut_findings, repeat_findings, watch
from maskedit.presets import BEST, recipe_for
from maskedit.request import (
    EditRequest,
    FrameRange,
    Keyframe,
    Matte,
    MediaReference,
    Preset,
    Region,
    to_json,
)

HEIGHT, WIDTH, FRAMES = 72, 128, 24
BOX = np.s_[24:48, 44:84]


def texture(seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    layers = [
        cv2.GaussianBlur(generator.random((160, 260, 3)).astype(np.float32), (0, 0), sigma) for sigma in (1.2, 4, 14)
    ]
    mixed = 0.45 + 0.11 * sum((layer - layer.mean()) / layer.std() for layer in layers)
    return np.rint(np.clip(mixed, 0.03, 0.97) * 255).astype(np.uint8)


def shot(seed: int = 1, *, frames: int = FRAMES, speed: int = 3) -> list[np.ndarray]:
    """A camera that pans over a texture."""
    wide = texture(seed)
    return [wide[20 : 20 + HEIGHT, speed * n : speed * n + WIDTH].copy() for n in range(frames)]


@pytest.fixture
def request_for(write_clip, tmp_path: Path):
    def make(frames: list[np.ndarray], *, picture: np.ndarray | None = None, boxes=None, **changes) -> EditRequest:
        drawn = np.zeros((len(frames), HEIGHT, WIDTH, 3), np.uint8)
        for number in range(len(frames)):
            drawn[number][boxes[number] if boxes else BOX] = 255
        painted = frames[0].copy()
        painted[BOX] = painted[BOX][:, ::-1, ::-1]
        write_picture(tmp_path / "painted.png", (painted if picture is None else picture).astype(np.float32) / 255)
        matte = reference(write_clip("matte.mkv", drawn))
        request = EditRequest(
            target=reference(write_clip("clip.mkv", np.stack(frames))),
            regions=(Region(mattes=(Matte(media=matte),), grow_px=3, feather_px=2),),
            keyframes=(Keyframe(frame=0, image=reference(tmp_path / "painted.png")),),
            preset=Preset.DRAFT,
        )
        return replace(request, **changes)

    return make


def reference(path: Path) -> MediaReference:
    return MediaReference(locations=(str(path),))


def found(request: EditRequest, tmp_path: Path, *, seconds: float = 60.0) -> tuple[Finding, ...]:
    return preflight(request, check_edit(request), models=Catalogue(tmp_path / "data"), seconds=seconds)


def seen(request: EditRequest, *, frames: int = FRAMES) -> Watched:
    return watch(request, frames=FrameRange(first=0, last=frames - 1), seconds=60)


def test_a_good_edit_is_left_in_peace(request_for, tmp_path):
    assert found(request_for(shot()), tmp_path) == ()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(3, FRAMES - 4), seed=st.integers(2, 40), speed=st.integers(1, 4))
def test_a_cut_is_found_where_it_is(at, seed, speed, write_clip):
    clip = write_clip("clip.mkv", np.stack([*shot(1, speed=speed)[:at], *shot(seed, speed=speed)[at:]]))
    request = EditRequest(target=reference(clip), regions=(), keyframes=())
    watched = seen(request)
    assert watched.cuts == (at,) and watched.repeats == ()


def test_the_remedy_for_cuts_is_the_keyframes_own_shot():
    watched = Watched(last=99, cuts=(10, 60), repeats=())
    (finding,) = cut_findings(watched, frames=FrameRange(first=0, last=99), keyframes=[40])
    assert finding.flag == "--frames 10-59" and "2 cuts" in finding.what
    (finding,) = cut_findings(watched, frames=FrameRange(first=0, last=99), keyframes=[60])
    assert finding.flag == "--frames 60-99"


def test_light_that_is_switched_a_flash_and_fast_motion_are_no_cuts(request_for):
    dimmed = [frame if n < 9 else (frame * 0.5).astype(np.uint8) for n, frame in enumerate(shot())]
    flash = shot()
    flash[12] = np.clip(flash[12].astype(int) + 120, 0, 255).astype(np.uint8)
    dropped_in = shot()
    dropped_in[7] = shot(9)[7]
    for frames in (dimmed, flash, shot(speed=5)):
        assert seen(request_for(frames)).cuts == ()
    assert seen(request_for(dropped_in)).cuts in ((), (7,))  # one foreign frame is no new shot


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ([n // 2 for n in range(FRAMES)], "One frame in 2 repeats"),
        ([n * 4 // 5 for n in range(FRAMES)], "One frame in 5 repeats"),
        ([0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], "Frame 4 repeats"),
        ([0, 1, 1, 1, 2, 3, 3, 4, 5, 6, 6, 6, 7, 8, 9, 9, 10, 11, 12, 13, 14, 15, 16, 17], "as in a clip whose speed"),
    ],
    ids=["twos", "pulldown", "dropped", "ramped"],
)
def test_repeated_frames_are_told_by_their_pattern(request_for, order, words):
    clip = shot()
    watched = seen(request_for([clip[n] for n in order]))
    assert watched.repeats == tuple(n for n in range(1, FRAMES) if order[n] == order[n - 1])
    (finding,) = repeat_findings(watched, frames=FrameRange(first=0, last=FRAMES - 1))
    assert words in finding.sentence


def test_a_camera_at_rest_repeats_nothing(request_for):
    generator = np.random.default_rng(0)
    still = shot()[0].astype(np.float32)
    frames = [np.clip(still + generator.normal(0, 3, still.shape), 0, 255).astype(np.uint8) for _ in range(FRAMES)]
    assert seen(request_for(frames)).repeats == ()


def test_what_there_was_no_time_for_is_said(request_for, tmp_path):
    (finding,) = found(request_for(shot()), tmp_path, seconds=0.0)
    assert finding.severity is Severity.NOTE and "Frames 1-23 were not looked at" in finding.what
    assert finding.frames == FrameRange(first=1, last=FRAMES - 1)


def test_a_keyframe_without_an_edit_a_soft_one_and_another_frames(request_for, tmp_path):
    frames = shot()
    (finding,) = found(request_for(frames, picture=frames[0]), tmp_path)
    assert "shows no edit" in finding.what
    soft = cv2.resize(cv2.resize(frames[0], (WIDTH // 3, HEIGHT // 3), interpolation=cv2.INTER_AREA), (WIDTH, HEIGHT))
    soft[BOX] = soft[BOX][:, ::-1, ::-1]
    (finding,) = found(request_for(frames, picture=soft), tmp_path)
    assert "softer than its plate" in finding.what
    (finding,) = found(request_for(frames, picture=texture(8)[:HEIGHT, :WIDTH]), tmp_path)
    assert "unlike frame 0" in finding.what


def test_a_keyframe_that_hardly_shows_its_region(request_for, tmp_path):
    boxes = [np.s_[30:36, 60:66], *[np.s_[20:50, 40:90]] * 4, np.s_[18:54, 36:96], *[BOX] * (FRAMES - 6)]
    painted = shot()[0].copy()
    painted[boxes[0]] = 255
    (finding,) = found(request_for(shot(), boxes=boxes, picture=painted), tmp_path)
    assert finding.flag == "--keyframe 5=IMAGE" and "2%" in finding.what


def test_the_model_its_memory_and_its_time_are_told(request_for, tmp_path):
    notes = found(request_for(shot(), preset=Preset.FAST), tmp_path)
    assert [finding.severity for finding in notes] == [Severity.NOTE] * 3
    seen_as, memory, time = (finding.sentence for finding in notes)
    assert "times its size" in seen_as and "of free main memory" in memory and "With the preset fast" in time


def test_a_region_too_large_for_the_model_is_warned_of(request_for, tmp_path):
    request, entry = request_for(shot()), Catalogue(tmp_path / "data").find("bundled")
    checked = check_edit(request)
    small = replace(entry, limits={**entry.limits, "budget_px": 16 * 16})
    plan = region_plan(request, checked, entry=small, recipe=BEST)
    assert size_finding(plan).severity is Severity.WARNING
    assert size_finding(region_plan(request, checked, entry=entry, recipe=BEST)).severity is Severity.NOTE


def test_estimates_grow_with_the_work_and_say_what_is_not_known(request_for, tmp_path):
    request, entry = request_for(shot()), Catalogue(tmp_path / "data").find("bundled")
    checked = check_edit(request)
    card = Device(
        device_id="cuda:0", name="NVIDIA A100-SXM4-40GB", memory_bytes=40 * 10**9, free_memory_bytes=0, uuid="1"
    )

    def seconds(device: Device, **steps: int) -> tuple[float, float] | None:
        recipe = replace(recipe_for(request, recommended=entry.recipe), **steps)
        plan = region_plan(request, checked, entry=entry, recipe=recipe)
        return estimate(plan, checked=checked, entry=entry, recipe=recipe, device=device).seconds

    least, most = seconds(card, motion_steps=1000) or (0, 0)
    longer = seconds(card, motion_steps=200_000) or (0, 0)
    assert 0 < least < most and longer[0] > least and longer[1] > most
    unknown = replace(card, name="NVIDIA Unheard-Of")
    assert seconds(unknown) is None
    recipe = recipe_for(request, recommended=entry.recipe)
    plan = region_plan(request, checked, entry=entry, recipe=recipe)
    said = estimate(plan, checked=checked, entry=entry, recipe=recipe, device=unknown)
    assert "is not known" in [*estimate_findings(said, preset="fast", device=unknown)][1].what


def test_the_servers_child_checks_and_looks_in_one_go(request_for, tmp_path):
    command = [sys.executable, "-P", "-m", "maskedit.preflight", "--data-dir", str(tmp_path)]

    def say(request: EditRequest) -> dict:
        done = subprocess.run(command, input=to_json(request), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    frames = [*shot(1)[:9], *shot(5)[9:]]
    said = say(request_for(frames))
    assert said["ok"] and said["frames"] == {"first": 0, "last": FRAMES - 1}
    assert [finding["flag"] for finding in said["findings"]] == ["--frames 0-8"]
    refused = say(replace(request_for(frames), frames=FrameRange(first=0, last=99)))
    assert not refused["ok"] and "goes beyond the clip" in refused["error"]
