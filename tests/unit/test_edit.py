# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole recipe on real files with a tiny model of the real classes."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bridge_server.jobs.tasks import Task, gain_mark
from bridge_server.worker.__main__ import Editor
from maskedit.catalogue import Catalogue
from maskedit.checking import check_edit
from maskedit.edit import EditResult, run_edit
from maskedit.errors import InputError
from maskedit.mattes import open_matte, region_mattes
from maskedit.media import ClipReader, probe, read_picture, write_picture
from maskedit.progress import Cancelled, SilentReporter, Stage
from maskedit.request import (
    Deliverable,
    DeliverableFormat,
    DeliverableKind,
    EditRequest,
    FrameRange,
    Keyframe,
    Loosening,
    Matte,
    MediaReference,
    Region,
    Settings,
)

WIDTH, HEIGHT, FRAMES = 63, 48, 7
QUICK = Settings(motion_steps=2, appearance_steps=2, render_steps=2, rank=2, guidance=1.0)
REGION = {"grow_px": 2, "feather_px": 2}


def write_clip(path: Path, pixel_format: str, *, codec: str = "ffv1", width: int = WIDTH) -> None:
    """Noise over a gradient, so that any changed sample shows, at 24000/1001 with a tone."""
    generator = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(24000, 1001))
        stream.width, stream.height, stream.pix_fmt = width, HEIGHT, pixel_format
        for _ in range(FRAMES):
            ramp = np.linspace(20, 200, width)[None, :, None] + generator.normal(0, 12, (HEIGHT, width, 3))
            frame = av.VideoFrame.from_ndarray(ramp.clip(0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode())


def write_roto(path: Path, *, left: int = 20, empty_from: int | None = None) -> None:
    def points(dx: int) -> list[dict]:
        corners = [(left + dx, 14), (left + 16 + dx, 14), (left + 16 + dx, 32), (left + dx, 32)]
        return [{"co": corner, "in": [0, 0], "out": [0, 0]} for corner in corners]

    shape = {
        "name": "box",
        "closed": True,
        "blend": "add",
        "feather": 0,
        "keys": [{"frame": 0, "points": points(0)}, {"frame": FRAMES - 1, "points": points(6)}],
    }
    if empty_from is not None:
        shape["visible"] = [[0, empty_from - 1]]
    path.write_text(json.dumps({"format": "maskedit-roto", "version": 1, "size": [WIDTH, HEIGHT], "shapes": [shape]}))


def reference(path: Path) -> MediaReference:
    return MediaReference(locations=(str(path),))


@pytest.fixture
def request_for(tmp_path: Path, plain_wan_folder: Path):  # type: ignore[no-untyped-def]
    def make(pixel_format: str = "yuv420p", *, keyframe: int = 0, **changes: object) -> EditRequest:
        clip, roto, edited = tmp_path / "clip.mkv", tmp_path / "matte.json", tmp_path / "edited.png"
        write_clip(clip, pixel_format)
        write_roto(roto)
        with ClipReader(str(clip)) as reader:
            plate = next(iter(reader.frames(keyframe, keyframe))).rgb()
        write_picture(str(edited), np.clip(plate * np.float32([1.3, 0.5, 0.4]), 0, 1).astype(np.float32))
        request = EditRequest(
            target=reference(clip),
            regions=(Region(mattes=(Matte(media=reference(roto)),), **REGION),),
            keyframes=(Keyframe(frame=keyframe, image=reference(edited)),),
            model=str(plain_wan_folder),
            settings=QUICK,
        )
        return replace(request, **changes)

    return make


def run(
    request: EditRequest, tmp_path: Path, *, name: str = "out", reporter: SilentReporter | None = None
) -> EditResult:
    return run_edit(
        request,
        output=tmp_path / name,
        cache=tmp_path / "cache",
        reporter=reporter or SilentReporter(),
        models=Catalogue(tmp_path / "data"),
    )


def planes_of(path: Path) -> list[tuple[np.ndarray, ...]]:
    with ClipReader(str(path)) as clip:
        return [frame.planes for frame in clip.frames(0, clip.facts.frame_count - 1)]


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "bgr0", "gbrp16le", "yuva444p10le"])
def test_every_sample_outside_the_paste_matte_is_the_sources(request_for, tmp_path: Path, pixel_format: str) -> None:
    request = request_for(pixel_format)
    result = run(request, tmp_path)
    source, delivered = probe(request.target.path), probe(str(result.result))
    assert (delivered.frame_count, delivered.rate) == (FRAMES, Fraction(24000, 1001))
    assert (delivered.width, delivered.height, delivered.pixel_format) == (WIDTH, HEIGHT, source.pixel_format)

    checked = check_edit(request)
    mattes = dict(region_mattes(request.regions, facts=checked.facts, frames=checked.frames))
    changed = 0
    clip_planes, result_planes = planes_of(Path(request.target.path)), planes_of(result.result)
    for number, (before, after) in enumerate(zip(clip_planes, result_planes, strict=True)):
        outside = mattes[number] == 0
        assert outside.any()
        assert not outside.all()
        for plane, (a, b) in enumerate(zip(before, after, strict=True)):
            # Each sample of a subsampled plane stands for several pixels: untouched if any of them is outside.
            down, across = round(HEIGHT / a.shape[0]), round(WIDTH / a.shape[1])
            pad = ((0, a.shape[0] * down - HEIGHT), (0, a.shape[1] * across - WIDTH))
            cells = np.pad(outside, pad).reshape(a.shape[0], down, a.shape[1], across).any(axis=(1, 3))
            assert np.array_equal(a[cells], b[cells]), f"frame {number}, plane {plane}"
            changed += np.count_nonzero(a[~cells] != b[~cells])
    assert changed > 1000


def test_what_is_subtracted_stays_the_sources_in_every_region(request_for, tmp_path: Path) -> None:
    request = request_for("gbrp16le")
    taken, other = tmp_path / "taken.json", tmp_path / "other.json"
    write_roto(taken, left=28)
    write_roto(other, left=2)
    (region,) = request.regions
    subtracted = Matte(media=reference(taken), subtract=True)
    regions = (
        replace(region, mattes=(*region.mattes, subtracted), loosening=Loosening.BOX, grow_px=5, smooth_frames=2),
        replace(region, mattes=(Matte(media=reference(other)), subtracted), loosening=Loosening.HULL),
    )
    request = replace(request, regions=regions)
    result = run(request, tmp_path)
    record = json.loads(result.record.read_text())
    assert [edges["loosening"] for edges in record["paste_matte"]] == ["box", "hull"]
    assert record["scorecard"]["scores"]["samples_changed_outside"] == 0
    facts = probe(request.target.path)
    away = open_matte(subtracted, facts=facts).frames(0, FRAMES - 1)
    source, delivered = planes_of(Path(request.target.path)), planes_of(result.result)
    for (_, matte), before, after in zip(away, source, delivered, strict=True):
        assert all(np.array_equal(a[matte == 1], b[matte == 1]) for a, b in zip(before, after, strict=True))
        assert not np.array_equal(before[0][14:32, 8:18], after[0][14:32, 8:18])


def test_the_keyframe_is_delivered_as_painted(request_for, tmp_path: Path) -> None:
    request = request_for("gbrp16le", keyframe=2)
    result = run(request, tmp_path)
    painted = read_picture(request.keyframes[0].image.path)
    with ClipReader(str(result.result)) as clip:
        frames = list(clip.frames(0, FRAMES - 1))
    inside = slice(18, 28), slice(26, 34)
    np.testing.assert_allclose(frames[2].rgb()[inside], painted[inside][..., :3], atol=2 / 65535)
    assert not np.allclose(frames[3].rgb()[inside], painted[inside][..., :3], atol=0.02)


def test_a_range_holds_just_its_frames(request_for, tmp_path: Path) -> None:
    request = request_for(keyframe=2, frames=FrameRange(first=2, last=5))
    result = run(request, tmp_path)
    assert probe(str(result.result)).frame_count == 4
    # The last rows lie outside the region on every frame: they tell which source frames these are.
    source, delivered = planes_of(Path(request.target.path)), planes_of(result.result)
    assert all(np.array_equal(source[2 + n][0][-8:], delivered[n][0][-8:]) for n in range(4))


def test_where_the_region_has_left_the_source_passes_through(request_for, tmp_path: Path) -> None:
    request = request_for()
    write_roto(Path(request.regions[0].mattes[0].media.path), empty_from=4)
    result = run(request, tmp_path)
    source, delivered = planes_of(Path(request.target.path)), planes_of(result.result)
    equal = [all(map(np.array_equal, a, b)) for a, b in zip(source, delivered, strict=True)]
    assert equal == [False] * 4 + [True] * 3


def test_the_second_edit_of_a_clip_reuses_stage_one(request_for, tmp_path: Path) -> None:
    first = run(request_for(), tmp_path)
    request = request_for()
    write_picture(request.keyframes[0].image.path, np.full((HEIGHT, WIDTH, 3), 0.25, np.float32))
    seen = Stages()
    second = run(request, tmp_path, name="second", reporter=seen)
    assert (first.adapter_reused, second.adapter_reused) == (False, True)
    assert Stage.TUNE_MOTION not in seen.stages
    assert Stage.TUNE_APPEARANCE in seen.stages


def test_the_same_request_gives_the_same_samples_without_a_cache(request_for, tmp_path: Path) -> None:
    request = request_for()
    first = planes_of(run(request, tmp_path / "a").result)
    again = planes_of(run(request, tmp_path / "b").result)
    assert all(map(np.array_equal, sum(first, ()), sum(again, ())))


class Stages(SilentReporter):
    """Notes what was reported, and stops where it is told to."""

    def __init__(self, stop: tuple[Stage, int] | None = None) -> None:
        self.stages: list[Stage] = []
        self.stop = stop

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        assert 0 <= done <= total
        self.stages.append(stage)
        if (stage, done) == self.stop:
            raise Cancelled


def test_the_stages_are_reported_in_order(request_for, tmp_path: Path) -> None:
    seen = Stages()
    result = run(request_for(), tmp_path, reporter=seen)
    order = list(dict.fromkeys(seen.stages))
    assert order == list(Stage)
    assert set(result.stage_seconds) == set(order)


def test_a_second_seed_says_where_the_model_guesses_and_changes_nothing(request_for, tmp_path: Path) -> None:
    class Rising(SilentReporter):
        last = 0

        def report(self, stage: Stage, done: int, *, total: int, **_: object) -> None:
            if stage is Stage.RENDER:
                assert self.last <= done <= total
                self.last = done

    request, rising = request_for(), Rising()
    once = run(request, tmp_path)
    twice = run(replace(request, settings=replace(QUICK, seeds=2)), tmp_path, name="twice", reporter=rising)
    assert all(map(np.array_equal, sum(planes_of(once.result), ()), sum(planes_of(twice.result), ())))
    doubts, guesses = (json.loads(made.record.read_text())["uncertainty"] for made in (once, twice))
    assert all(guesses[frame] >= doubts[frame] for frame in doubts)
    assert sum(guesses.values()) > sum(doubts.values())
    assert rising.last == 2 * QUICK.render_steps * 1


@pytest.mark.parametrize(
    "stop", [(stage, 1) for stage in Stage if stage not in (Stage.COMPOSITE, Stage.WRITE)] + [(Stage.COMPOSITE, 3)]
)
def test_a_cancelled_job_leaves_no_result_and_can_be_run_again(
    request_for, tmp_path: Path, stop: tuple[Stage, int]
) -> None:
    request = request_for()
    with pytest.raises(Cancelled):
        run(request, tmp_path, reporter=Stages(stop))
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True
    assert run(request, tmp_path).result.is_file()


def test_the_record_tells_how_to_render_it_again(request_for, tmp_path: Path) -> None:
    request = request_for()
    record = json.loads(run(request, tmp_path).record.read_text())
    assert record["format"] == "maskedit-take"
    assert record["request"]["settings"]["motion_steps"] == 2
    assert record["source"]["rate"] == "24000/1001"
    assert [edges["grow_px"] for edges in record["paste_matte"]] == [2]
    assert record["crop"]["width"] >= 22
    assert set(record["versions"]) >= {"maskedit", "torch", "diffusers", "peft"}
    assert set(record["stage_seconds"]) == set(Stage)
    assert record["scorecard"]["scores"]["samples_changed_outside"] == 0
    assert record["scorecard"]["equal"] == {"frame_count": True, "rate": True, "size": True, "audio": True}


@pytest.mark.parametrize(
    "deliverable",
    [
        Deliverable(format=DeliverableFormat.MOV),
        Deliverable(format=DeliverableFormat.MP4),
        Deliverable(kind=DeliverableKind.PATCH, format=DeliverableFormat.MOV),
        Deliverable(kind=DeliverableKind.PATCH, format=DeliverableFormat.MKV),
    ],
    ids=lambda deliverable: f"{deliverable.kind}-{deliverable.format}",
)
def test_other_deliverables_keep_size_rate_and_length(request_for, tmp_path: Path, deliverable: Deliverable) -> None:
    facts = probe(str(run(request_for(deliverables=(deliverable,)), tmp_path).result))
    assert (facts.frame_count, facts.width, facts.height) == (FRAMES, WIDTH, HEIGHT)
    assert facts.rate == Fraction(24000, 1001)


def test_a_sequence_holds_one_picture_per_frame(request_for, tmp_path: Path) -> None:
    result = run(request_for(deliverables=(Deliverable(format=DeliverableFormat.PNG),)), tmp_path)
    assert len(list(result.result.glob("*.png"))) == FRAMES


def test_an_unknown_model_is_refused_before_anything_is_read(request_for, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bundled"):
        run(request_for(model="no-such-model"), tmp_path)


def test_a_worker_says_that_it_has_left_an_adapter_and_counts_no_latents(request_for, tmp_path: Path) -> None:
    job, cache = tmp_path / "job", tmp_path / "cache"
    job.mkdir()
    task = Task(request=job / "request.json", output=job / "output", log=job / "log")
    editor = Editor(tmp_path / "data", cache=cache, channel=SilentReporter(), spare_bytes=0)  # type: ignore[arg-type]
    editor.edit(request_for(), task)
    gain_mark(job).unlink()
    for latents in (cache / "latents").iterdir():
        latents.unlink()
    editor.edit(request_for(), task)
    assert any((cache / "latents").iterdir()) and not gain_mark(job).exists()
