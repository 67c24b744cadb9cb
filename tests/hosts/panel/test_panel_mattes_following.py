# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes that follow the picture, on moving things whose true outline is known on every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskedit.demo import ROTO, SOURCE
from maskedit.mattes.coverage import flatten, polygon_coverage
from maskedit.mattes.roto import RotoFile, Shape, dump_roto, parse_roto, read_roto
from maskedit.mattes.roto_keys import Key, Point
from maskedit.media import probe
from maskedit.request import MediaFacts
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.mattes.following import Followed, follow_shape, is_made, stretch, without_made
from plugin_client.panel.mattes.plates import lumas
from plugin_client.panel.mattes.stopping import Stopped

WIDTH, HEIGHT = 320, 240
COUNT = 24
Outline = np.ndarray
Move = Callable[[int, np.ndarray], np.ndarray]
"""(frame, places (n, 2) on frame 0) → where they are on that frame."""


def always(_: float) -> bool:
    return True


def cloth(seed: int, *, size: float, low: float, high: float) -> np.ndarray:
    """A texture (HEIGHT, WIDTH) of soft blotches, `size` px wide."""
    noise = np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), size)
    return np.interp(blurred, (-2 * blurred.std(), 2 * blurred.std()), (low, high)).astype(np.float32)


def round_outline(x: float, y: float, across: float, down: float) -> Outline:
    """An ellipse of eight points."""
    angles = np.arange(8) * np.pi / 4
    places = np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], axis=1)
    ways = np.stack([-across * np.sin(angles), down * np.cos(angles)], axis=1) * (4 / 3 * np.tan(np.pi / 16))
    return np.stack([places, -ways, ways], axis=1)


@dataclass(frozen=True, eq=False)
class Thing:
    """A textured thing that moves as `move` says before a textured background, `hidden` from one frame on."""

    outline: Outline
    move: Move
    hidden_from: int = COUNT

    def true_outline(self, frame: int) -> Outline:
        """Handles go where the ends of them go."""
        places = self.outline[:, 0]
        moved = self.move(frame, places)
        handles = [self.move(frame, places + self.outline[:, side]) - moved for side in (1, 2)]
        return np.stack([moved, *handles], axis=1)

    @cached_property
    def frames(self) -> list[np.ndarray]:
        background, skin = cloth(1, size=5, low=0.1, high=0.5), cloth(2, size=2.5, low=0.35, high=0.95)
        rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
        there = np.stack([columns, rows], axis=-1).reshape(-1, 2).astype(np.float64)
        made = []
        for frame in range(COUNT):
            back = there.copy()
            for _ in range(12):  # the inverse of a motion that is near to none
                back -= self.move(frame, back) - there
            source = back.reshape(HEIGHT, WIDTH, 2).astype(np.float32)
            painted = cv2.remap(skin, source[..., 0], source[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            cover = self.matte(self.true_outline(frame))
            picture = background * (1 - cover) + painted * cover
            made.append(picture if frame < self.hidden_from else background)
        return made

    def matte(self, outline: Outline) -> np.ndarray:
        return polygon_coverage(flatten(outline), width=WIDTH, height=HEIGHT)

    def lumas(self, first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
        yield from ((frame, self.frames[frame]) for frame in range(first, last + 1))

    def shape(self, *frames: int) -> Shape:
        """Keyed by hand, without a fault, on those frames."""
        return Shape(name="thing", keys=tuple(key_of(frame, self.true_outline(frame)) for frame in frames))

    def overlap(self, shape: Shape, frame: int) -> float:
        ours, true = self.matte(shape.outline(frame)) >= 0.5, self.matte(self.true_outline(frame)) >= 0.5
        return float((ours & true).sum() / (ours | true).sum())


def key_of(frame: int, outline: Outline) -> Key:
    points = [{"co": co, "in": back, "out": forth} for co, back, forth in outline.tolist()]
    return Key(frame=frame, points=tuple(Point.model_validate(point) for point in points))


def facts_of(**fields: int) -> MediaFacts:
    given: dict[str, int] = {"frame_count": COUNT, "width": WIDTH, "height": HEIGHT, **fields}
    return MediaFacts(**given, rate=Fraction(24), pixel_format="gray")  # type: ignore[arg-type]


def shifted(outline: Outline, x: float) -> Outline:
    return outline + np.array([[x, 0], [0, 0], [0, 0]])


def walking(frame: int, places: np.ndarray) -> np.ndarray:
    """To the right, turning and growing a little."""
    turn, grown = np.deg2rad(1.2 * frame), 1 + 0.006 * frame
    middle = np.array([110.0, 120.0])
    matrix = grown * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (places - middle) @ matrix.T + middle + (4.0 * frame, 0.8 * frame)


def breathing(frame: int, places: np.ndarray) -> np.ndarray:
    """Its upper half swells to the right while the whole drifts."""
    swell = 14 * np.sin(frame / COUNT * np.pi / 2) * np.exp(-(((places - (120, 90)) / 45) ** 2).sum(axis=1))
    return places + np.stack([swell + 1.5 * frame, np.zeros_like(swell)], axis=1)


@pytest.fixture(scope="module")
def walker() -> Thing:
    return Thing(round_outline(110, 120, 48, 62), walking)


def follow(thing: Thing, shape: Shape, frames: FrameRange | None = None, *, step: int = 1) -> Followed:
    return follow_shape(
        shape, frames or FrameRange(0, COUNT - 1), step=step, facts=facts_of(), lumas=thing.lumas, going=always
    )


@pytest.fixture(scope="module")
def walked(walker: Thing) -> Followed:
    """The walker followed from its first frame to its last."""
    return follow(walker, walker.shape(0))


def test_a_thing_that_moves_turns_and_grows_is_followed(walker: Thing, walked: Followed) -> None:
    found = walked
    assert (found.lost, found.frames) == ("", FrameRange(0, COUNT - 1))
    overlaps = [walker.overlap(found.shape, frame) for frame in range(COUNT)]
    assert min(overlaps) > 0.95
    assert walker.overlap(walker.shape(0), COUNT - 1) < 0.3, "it really moves"


def test_few_keys_are_written_and_none_is_changed(walker: Thing, walked: Followed) -> None:
    found = walked
    assert len(found.shape.keys) <= 8
    assert found.shape.keys[0] == walker.shape(0).keys[0]
    assert all(is_made(key) for key in found.shape.keys[1:])


def test_backwards_it_is_followed_as_well(walker: Thing) -> None:
    found = follow(walker, walker.shape(COUNT - 1), step=-1)
    assert min(walker.overlap(found.shape, frame) for frame in range(COUNT)) > 0.95


def test_what_swells_is_followed_point_by_point() -> None:
    thing = Thing(round_outline(120, 120, 45, 60), breathing)
    found = follow(thing, thing.shape(0))
    assert min(thing.overlap(found.shape, frame) for frame in range(COUNT)) > 0.95
    stiff = thing.matte(shifted(thing.outline, 1.5 * (COUNT - 1)))
    true = thing.matte(thing.true_outline(COUNT - 1))
    assert np.minimum(stiff, true).sum() / np.maximum(stiff, true).sum() < 0.95, "its outline really changes"


def test_a_correction_stays_and_pulls_what_leads_to_it(walker: Thing) -> None:
    larger = walker.true_outline(16)
    larger[:, 0] = (larger[:, 0] - larger[:, 0].mean(axis=0)) * 1.2 + larger[:, 0].mean(axis=0)
    keys = (*walker.shape(0).keys, key_of(16, larger))
    shape = walker.shape(0).model_copy(update={"keys": keys})
    found = follow(walker, shape, FrameRange(0, 16))
    assert [key for key in found.shape.keys if not is_made(key)] == list(keys)
    areas = [walker.matte(found.shape.outline(frame)).sum() for frame in (0, 4, 8, 12, 16)]
    true = [walker.matte(walker.true_outline(frame)).sum() for frame in (0, 4, 8, 12, 16)]
    growth = np.array(areas) / true
    assert (np.diff(growth) > 0).all(), "the nearer to the correction, the more it counts"
    assert growth[2] == pytest.approx(1 + (growth[4] - 1) / 2, abs=0.05)


def test_following_again_replaces_what_following_made_and_nothing_else(walker: Thing, walked: Followed) -> None:
    once = walked.shape
    assert follow(walker, once).shape == once
    moved = once.keys[2].model_copy(update={"points": walker.shape(once.keys[2].frame).keys[0].points})
    corrected = once.model_copy(update={"keys": (*once.keys[:2], moved, *once.keys[3:])})
    assert not is_made(moved), "a key that somebody has moved is a correction"
    assert [key.frame for key in without_made(corrected).keys] == [0, moved.frame]
    assert moved in follow(walker, corrected, FrameRange(0, moved.frame)).shape.keys


def test_what_was_made_is_still_known_when_the_file_is_read_again(walked: Followed) -> None:
    shape = walked.shape
    roto = RotoFile(format="maskedit-roto", version=1, size=(WIDTH, HEIGHT), shapes=(shape,))
    (again,) = parse_roto(dump_roto(roto)).shapes
    assert [is_made(key) for key in again.keys] == [is_made(key) for key in shape.keys]


def test_a_thing_that_is_hidden_is_lost_with_a_sentence() -> None:
    thing = Thing(round_outline(110, 120, 48, 62), walking, hidden_from=9)
    found = follow(thing, thing.shape(0))
    assert found.frames == FrameRange(0, 8)
    assert found.lost.startswith("The shape was lost at frame 9 (it is hidden or changes too much): correct it there")
    assert max(key.frame for key in found.shape.keys) == 8


def test_a_thing_that_leaves_is_lost_where_it_leaves() -> None:
    thing = Thing(round_outline(110, 120, 48, 62), lambda frame, places: places + np.array([14.0 * frame, 0]))
    found = follow(thing, thing.shape(0))
    assert "it leaves the picture" in found.lost
    assert 12 <= found.frames.last <= 18
    assert min(thing.overlap(found.shape, frame) for frame in range(10)) > 0.9


def test_lost_between_two_keys_says_where_nothing_was_found() -> None:
    thing = Thing(round_outline(110, 120, 48, 62), walking)
    thing.frames[10:13] = [cloth(1, size=5, low=0.1, high=0.5)] * 3
    found = follow(thing, thing.shape(0, COUNT - 1))
    assert found.lost.startswith("The shape was lost between frames 10 and 12")
    assert thing.overlap(found.shape, 9) > 0.95
    assert thing.overlap(found.shape, 13) > 0.95


def test_following_can_be_stopped(walker: Thing) -> None:
    told: list[float] = []

    def until_half(done: float) -> bool:
        told.append(done)
        return done < 0.5

    with pytest.raises(Stopped):
        follow_shape(walker.shape(0), FrameRange(0, 23), step=1, facts=facts_of(), lumas=walker.lumas, going=until_half)
    assert told == sorted(told)
    assert told[-1] < 0.7


def test_a_shape_with_a_transform_of_its_own_is_followed_where_it_is_seen(walker: Thing) -> None:
    plain = walker.shape(0)
    away = plain.model_copy(update={"keys": (key_of(0, shifted(walker.outline, -50)),)})
    shape = Shape.model_validate(
        away.model_dump(by_alias=True) | {"transform": {"keys": [{"frame": 0, "translate": (50, 0)}]}}
    )
    found = follow(walker, shape).shape
    last = shifted(found.outline(COUNT - 1), 50)
    ours, true = walker.matte(last) >= 0.5, walker.matte(walker.true_outline(COUNT - 1)) >= 0.5
    assert (ours & true).sum() / (ours | true).sum() > 0.95


def test_a_clip_larger_than_what_is_searched_is_followed_in_its_own_pixels() -> None:
    thing = Thing(round_outline(110, 120, 48, 62), walking)
    large = facts_of(width=4 * WIDTH, height=4 * HEIGHT)

    def enlarged(first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
        for number, luma in thing.lumas(first, last):
            yield number, cv2.resize(luma, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)

    shape = Shape(keys=(key_of(0, 4 * thing.outline),))
    found = follow_shape(shape, FrameRange(0, 12), step=1, facts=large, lumas=enlarged, going=always).shape
    small = Shape(keys=tuple(key_of(key.frame, outline_of(key) / 4) for key in found.keys))
    assert min(thing.overlap(small, frame) for frame in range(13)) > 0.95


def outline_of(key: Key) -> Outline:
    return np.array([(point.co, point.incoming, point.outgoing) for point in key.points])


def test_a_key_that_holds_is_not_held_over_what_follows(walker: Thing) -> None:
    held = walker.shape(0).keys[0].model_copy(update={"interp": "hold"})
    found = follow(walker, walker.shape(0).model_copy(update={"keys": (held,)})).shape
    assert found.keys[0] == held
    assert min(walker.overlap(found, frame) for frame in range(COUNT)) > 0.95


@pytest.mark.parametrize(
    ("frame", "step", "expected"),
    [
        (0, 1, FrameRange(0, 10)),
        (5, 1, FrameRange(0, 10)),
        (10, 1, FrameRange(10, 20)),
        (15, -1, FrameRange(10, 20)),
        (10, -1, FrameRange(0, 10)),
        (20, 1, FrameRange(20, 40)),
        (3, -1, FrameRange(0, 10)),
        (0, -1, None),
        (40, 1, FrameRange(20, 40)),
    ],
)
def test_it_is_followed_from_its_key_to_the_next_or_to_the_end(
    walker: Thing, frame: int, step: int, expected: FrameRange | None
) -> None:
    keys = tuple(key_of(number, walker.outline) for number in (0, 10, 20))
    shape = Shape(keys=keys)
    assert stretch(shape, frame, step=step, within=FrameRange(0, 40)) == expected


def test_the_demo_clip_s_head_is_followed_between_two_of_its_keys() -> None:
    head = read_roto(str(ROTO)).shapes[0]
    facts, ends = probe(SOURCE), (12, 24)
    keyed = head.model_copy(update={"keys": tuple(key for key in head.keys if key.frame in ends)})
    found = follow_shape(keyed, FrameRange(*ends), step=1, facts=facts, lumas=partial(lumas, str(SOURCE)), going=always)
    assert found.lost == ""
    overlaps = []
    for frame in range(ends[0], ends[1] + 1):
        ours, true = (
            polygon_coverage(flatten(shape.outline(frame)), width=facts.width, height=facts.height) >= 0.5
            for shape in (found.shape, head)
        )
        overlaps.append((ours & true).sum() / (ours | true).sum())
    assert min(overlaps) > 0.85


@pytest.mark.parametrize("pixel_format", ["bgr0", "yuv420p", "yuv444p10le"])
def test_luma_is_read_whatever_the_clip_holds(write_clip: Callable[..., Path], pixel_format: str) -> None:
    greys = np.linspace(0, 255, 5).astype(np.uint8)[:, None, None, None]
    frames = np.broadcast_to(greys, (5, 32, 48, 3)).copy()
    read = list(lumas(str(write_clip("grey.mkv", frames, pixel_format=pixel_format)), 1, 3))
    assert [number for number, _ in read] == [1, 2, 3]
    assert [float(luma.mean()) for _, luma in read] == pytest.approx([0.25, 0.5, 0.75], abs=0.01)
