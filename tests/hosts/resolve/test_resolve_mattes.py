# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes made in Resolve arrive in the pixels and frame numbers of the clip's media."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from maskedit.mattes.fusion import read_fusion_masks
from maskedit.mattes.rasterise import rasterise
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot
from plugin_client.core.requests import MatteFile
from plugin_client.resolve.comps import numbered_like_media
from plugin_client.resolve.mattes import TRACK, matte_of, offered
from plugin_client.resolve.reading import read_item
from plugin_client.resolve.rendering import Patience
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import Handle, bare
from tests.hosts.resolve.fake.clip import MediaPoolItem
from tests.hosts.resolve.fake.fusion import PolylineMask
from tests.hosts.resolve.fake.pictures import write_still
from tests.hosts.resolve.fake.snapshot import each_failure, snapshot
from tests.hosts.resolve.stage import Stage, grey_of

AT_ONCE = Patience(poll_s=0, stop_s=0.2)
LOW = [{"X": -0.25, "Y": -0.5}, {"X": 0.25, "Y": -0.5}, {"X": 0.25, "Y": 0.0}, {"X": -0.25, "Y": 0.0}]
HIGH = [point | {"Y": point["Y"] + 0.5} for point in LOW]
MOVING = PolylineMask("Polygon1", {12: LOW, 28: HIGH})
HOLE = PolylineMask("Polygon2", {0: [point | {"X": point["X"] / 2} for point in HIGH]}, paint_mode="Subtract")


class Scene:
    """Frames 10-29 of a clip of 48, at frame 40 of the timeline; `subclip` counts them in a part of it, from 4 on."""

    def __init__(self, numbered_clip, *, subclip: bool = False, rate: str = "24", **fake: str) -> None:
        self.numbered_clip = numbered_clip
        self.stage = stage = Stage(FakeResolve(**fake), rate=rate)
        self.clip = stage.clip(numbered_clip("a.mov", 48))
        first = 4 if subclip else 0
        played = by_hand.subclip(self.clip, first, 43, "part") if subclip else bare(self.clip).clip
        shown = Handle(stage.fake.door, MediaPoolItem(stage.fake, bare(stage.project).file, played))
        span = (10 - first, 30 - first)
        self.item = by_hand.place(stage.timeline, shown, track=1, start=stage.start + 40, source=span)
        self.shot: Shot = self.read()
        self.notes: tuple[str, ...] = ()

    def read(self) -> Shot:
        return read_item(self.stage.project, self.stage.timeline, self.stage.items()[0]).shot

    def over(self, clip=None, *, track: int = 2, start: int = 40, source=(10, 30), name: str = TRACK):
        """A matte clip on the track that is called so."""
        if self.stage.timeline.GetTrackCount("video") < track:
            self.stage.timeline.AddTrack("video")
        self.stage.timeline.SetTrackName("video", track, name)
        given = clip or self.stage.clip(self.numbered_clip("matte.mov", 48))
        return by_hand.place(self.stage.timeline, given, track=track, start=self.stage.start + start, source=source)

    def matte(self, choice: str, folder: Path) -> MatteFile:
        wanted = {"progress": lambda done, total: None, "patience": AT_ONCE}
        taken = matte_of(self.stage.resolve, self.shot, choice, folder, **wanted)
        assert taken.notes == self.notes
        return taken.matte


@pytest.fixture
def scene(numbered_clip) -> Scene:
    return Scene(numbered_clip)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "mattes"


def greys(media: str, channel: int = 1) -> list[int]:
    with av.open(media) as container:
        return [int(frame.to_ndarray(format="rgba")[8, 16, channel]) for frame in container.decode(video=0)]


@pytest.mark.parametrize("subclip", [False, True])
def test_a_polygon_that_moves_lies_on_the_medias_own_frames_and_pixels(numbered_clip, folder, subclip):
    scene = Scene(numbered_clip, subclip=subclip)
    by_hand.draw_masks(scene.stage.items()[0], MOVING, HOLE)
    before = snapshot(scene.stage.fake)
    roto = read_fusion_masks(Path(scene.matte("fusion", folder).path), width=32, height=16)
    assert snapshot(scene.stage.fake) == before, "the page with it"
    moving, hole = roto.shapes
    assert (moving.blend, hole.blend) == ("add", "subtract")
    # What Fusion shows while the media's frame is on screen: its time counts from the first frame of the pool's clip.
    for frame in range(10, 30):
        shown = MOVING.at(frame - (4 if subclip else 0))
        wanted = [((point["X"] + 0.5) * 32, (0.5 - point["Y"]) * 16) for point in shown]
        assert np.allclose(moving.outline(Fraction(frame))[:, 0], wanted), frame
    assert np.allclose(hole.outline(Fraction(20))[:, 0], [(12, 8), (20, 8), (20, 0), (12, 0)])


def test_polarity_arrives(scene, folder):
    def matte(invert: bool) -> np.ndarray:
        by_hand.bare(scene.stage.items()[0]).item.comps.clear()
        by_hand.draw_masks(scene.stage.items()[0], MOVING, replace(HOLE, invert=invert))
        roto = read_fusion_masks(Path(scene.matte("fusion", folder).path), width=32, height=16)
        return rasterise(roto, 20, width=32, height=16)

    assert np.array_equal(matte(invert=True), 1 - matte(invert=False))
    assert matte(invert=False)[10, 9] == 1 and matte(invert=False)[6, 16] == 0 == matte(invert=False)[0, 0]


def test_of_several_comps_the_first_with_a_mask_or_the_one_that_is_asked_for(scene, folder):
    bare(scene.stage.items()[0]).new_comp()
    second, third = (bare(scene.stage.items()[0]).new_comp() for _ in range(2))
    second.masks.append(MOVING)
    third.masks.append(HOLE)
    assert "Polygon1" in Path(scene.matte("fusion", folder).path).read_text()
    assert "Polygon2" in Path(scene.matte("fusion:3", folder).path).read_text()
    for choice in ("fusion:1", "fusion:4", "fusion:0"):
        with pytest.raises(BadInput, match="no polygon mask in Fusion"):
            scene.matte(choice, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["fusion_3.comp", "fusion_masks.comp"]


def test_a_comp_that_shows_other_frames_is_refused(scene, folder):
    text = "Composition { RenderRange = { 10, 28 }, GlobalRange = { 0, 47 }, }"
    for wrong in (text, text.replace("RenderRange", "Range"), text.replace("GlobalRange", "Range")):
        with pytest.raises(BadInput, match="choose Auto Render Range"):
            numbered_like_media(wrong, first=0, length=20, name="a.mov")
    moved = numbered_like_media(text, first=110, length=19, name="a.mov")
    assert "GlobalRange = { -100, 47 }" in moved and "RenderRange = { 10, 28 }" in moved


def test_a_comp_at_another_rate_is_refused(numbered_clip, folder):
    scene = Scene(numbered_clip, rate="48", version="21.0")
    by_hand.draw_masks(scene.stage.items()[0], MOVING)
    for choice in ("fusion", "alpha"):
        with pytest.raises(BadInput, match="another rate than"):
            scene.matte(choice, folder)


def test_an_attached_matte_is_its_file(scene, folder, numbered_clip, tmp_path):
    files = [numbered_clip(name, 48) for name in ("m1.mov", "m2.mov")]
    for file in files:
        by_hand.attach_matte(scene.clip, str(file))
    assert scene.matte("attached", folder) == MatteFile(str(files[0]))
    assert scene.matte("attached:2", folder) == MatteFile(str(files[1]))
    with pytest.raises(BadInput, match="no such attached matte"):
        scene.matte("attached:3", folder)
    for number in (1, 2):
        (tmp_path / f"s_{number:03}.png").touch()
    by_hand.attach_matte(scene.clip, str(tmp_path / "s_[001-002].png"))
    assert scene.matte("attached:3", folder).path == str(tmp_path / "s_%03d.png")
    by_hand.attach_matte(scene.clip, str(tmp_path / "gone.mov"))
    with pytest.raises(BadInput, match="There is no file"):
        scene.matte("attached:4", folder)


def test_the_alpha_of_the_item_alone(numbered_clip, folder):
    scene = Scene(numbered_clip)
    scene.over(scene.clip, name="Titles")
    compound = scene.stage.timeline.CreateCompoundClip(scene.stage.items(), {"name": "Nest"})
    bare(bare(compound).item.clip.nested.tracks["video"][0].items[0]).colour = (0, 0, 0, 0)
    bare(compound).item.clip.nested.tracks["video"][0].items[0].clip = None
    scene.shot = scene.read()
    matte = scene.matte("alpha", folder)
    assert (matte.channel, matte.first_frame) == ("alpha", 0)
    assert greys(matte.path, channel=3) == [0] * 20


@pytest.mark.parametrize("version", ["20.0", "21.1"])
def test_alpha_is_numbered_like_the_media(numbered_clip, folder, version):
    scene = Scene(numbered_clip, version=version)
    before = snapshot(scene.stage.fake)
    matte = scene.matte("alpha", folder)
    assert (matte.channel, matte.first_frame, len(greys(matte.path))) == ("alpha", 10, 20)
    assert snapshot(scene.stage.fake) == before


@pytest.mark.parametrize(("name", "value"), [("ZoomX", 1.2), ("Pan", 3.0), ("FlipX", True), ("CropLeft", 5.0)])
def test_what_is_moved_on_the_timeline_is_not_rendered_as_a_matte(scene, folder, name, value):
    scene.stage.items()[0].SetProperty(name, value)
    scene.over(start=35, source=(0, 48))
    for choice in ("alpha", "track"):
        with pytest.raises(BadInput, match="reset that in the Inspector"):
            scene.matte(choice, folder)


def test_a_timeline_of_another_shape_is_refused_and_another_size_is_not(numbered_clip, folder):
    scene = Scene(numbered_clip)
    cut = bare(scene.stage.timeline).cut
    cut.width, cut.height = 64, 32
    assert scene.matte("alpha", folder).first_frame == 10
    cut.width = 44
    with pytest.raises(BadInput, match="not the shape of the timeline"):
        scene.matte("alpha", folder)


def test_a_matte_clip_that_belongs_frame_for_frame_is_taken_as_a_file(scene, folder):
    item = scene.over()
    assert scene.matte("track", folder) == MatteFile(item.clip.media.path)
    assert "Project.AddRenderJob" not in scene.stage.fake.calls


@pytest.mark.parametrize(
    ("placed", "first"),
    [({"start": 40, "source": (0, 20)}, 0), ({"start": 30, "source": (1, 40)}, 11), ({"start": 39}, 11)],
)
def test_any_other_matte_clip_is_rendered_alone(scene, folder, placed, first):
    scene.over(name="maskedit MATTE ", **placed)
    before = snapshot(scene.stage.fake)
    matte = scene.matte("track", folder)
    wanted = [grey_of(first + number) for number in range(20)]
    if placed == {"start": 39}:
        wanted[-1] = 0  # it ends a frame before the clip does
    assert np.allclose(greys(matte.path), wanted, atol=2)
    assert (matte.first_frame, matte.channel) == (10, "luma")
    assert snapshot(scene.stage.fake) == before


def test_a_still_serves_as_a_matte_too(scene, folder, tmp_path):
    write_still(tmp_path / "still.png", np.full((16, 32, 4), 200, np.uint8))
    item = scene.over(scene.stage.clip(tmp_path / "still.png"), source=(0, 1))
    item.duration = 20
    assert np.allclose(greys(scene.matte("track", folder).path), 200, atol=2)


@pytest.mark.parametrize("choice", ["fusion", "alpha"])
def test_what_could_not_be_put_back_is_said(scene, folder, choice):
    by_hand.draw_masks(scene.stage.items()[0], MOVING)
    for nth in (2, 3):
        scene.stage.fake.fail("Resolve.OpenPage", nth)
    scene.notes = ("Resolve did not put back the edit page: do so by hand.",)
    scene.matte(choice, folder)


def test_several_matte_clips_and_a_shorter_file_are_rendered(scene, folder, numbered_clip):
    other = scene.stage.clip(numbered_clip("short.mov", 30))
    scene.over(other)
    assert scene.matte("track", folder).first_frame == 10
    by_hand.delete(scene.stage.timeline, bare(scene.stage.items(2)[0]).item)
    scene.over(other, start=40, source=(0, 5))
    scene.over(other, start=45, source=(0, 5))
    shown = [grey_of(number % 5) for number in range(10)] + [0] * 10
    assert np.allclose(greys(scene.matte("track", folder).path), shown, atol=2)


def test_what_is_not_there_is_a_sentence(scene, folder):
    for choice, says in [
        ("fusion", "no polygon mask in Fusion"),
        ("attached", "no such attached matte"),
        ("track", "No clip lies over a.mov on a video track named MaskEdit matte"),
        ("painted", "no mattes of the kind painted"),
        ("fusion:x", "is no matte"),
    ]:
        with pytest.raises(BadInput, match=says):
            scene.matte(choice, folder)
    scene.over(start=0, source=(0, 40))
    scene.over(start=60, source=(0, 40))
    with pytest.raises(BadInput, match="No clip lies over"):
        scene.matte("track", folder)
    by_hand.delete(scene.stage.timeline, scene.item)
    with pytest.raises(BadInput, match="is not on Cut 3 any more"):
        scene.matte("alpha", folder)


def test_only_what_there_is_is_offered(scene):
    assert offered(scene.stage.resolve, scene.shot) == ("alpha",)
    by_hand.draw_masks(scene.stage.items()[0], MOVING)
    by_hand.attach_matte(scene.clip, "/m.mov")
    by_hand.attach_matte(scene.clip, "/n.mov")
    scene.over()
    assert offered(scene.stage.resolve, scene.shot) == ("fusion:1", "attached:1", "attached:2", "track", "alpha")


@pytest.mark.parametrize("choice", ["fusion", "attached", "track", "alpha", "offered"])
def test_each_call_that_fails_leaves_resolve_as_it_was(numbered_clip, tmp_path, choice):
    def fresh() -> Scene:
        scene = Scene(numbered_clip, edition="free")
        by_hand.draw_masks(scene.stage.items()[0], MOVING)
        by_hand.attach_matte(scene.clip, str(numbered_clip("m.mov", 48)))
        scene.over(start=35, source=(0, 30))
        scene.stage.resolve.OpenPage("color")
        return scene

    def take(scene: Scene, folder: Path) -> object:
        if choice == "offered":
            return offered(scene.stage.resolve, scene.shot)
        matte = scene.matte(choice, folder)
        text = Path(matte.path).read_text() if choice == "fusion" else ""
        return matte.channel, matte.first_frame, text

    scene = fresh()
    done = len(scene.stage.fake.calls)
    wanted = take(scene, tmp_path)
    calls = scene.stage.fake.calls[done:]
    assert scene.stage.fake.misuses == [] and not scene.stage.fake.modal
    refused = 0
    for call, nth in each_failure(calls):
        scene = fresh()
        before = snapshot(scene.stage.fake)
        scene.stage.fake.fail(call, nth)
        try:
            assert take(scene, tmp_path / f"{call} {nth}") == wanted, (call, nth)
        except BadInput as error:
            refused += 1
            assert str(error).endswith(".") and "None" not in str(error), (call, nth)
        scene.stage.fake.door.forget_failures()
        assert snapshot(scene.stage.fake) == before, (call, nth)
    assert refused >= 10
