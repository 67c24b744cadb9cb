# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays loaded between edits: a warm edit equals a cold one bit for bit, and nothing stays but frozen weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from maskedit import adapters
from maskedit.bench import Bench
from maskedit.catalogue import BUNDLED, Catalogue
from maskedit.edit import run_edit
from maskedit.errors import InputError, ModelError
from maskedit.exhaustion import memory_ran_out
from maskedit.faults import Point, planned, reach
from maskedit.media import ClipReader, write_picture
from maskedit.memory import Demand, Offload, Precision
from maskedit.model_check import inspect_model
from maskedit.models.fitting import bytes_of, fit
from maskedit.progress import SilentReporter, Stage
from maskedit.record import EditResult
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Preset, Region, Settings

DEMAND = Demand(training_tokens=64, render_tokens=64, adapted_share=1.0, rank=4, pixels=1024, frames=5)


@pytest.fixture
def request_for(tmp_path: Path, write_clip: Callable[..., Path]) -> Callable[..., EditRequest]:
    frames = np.random.default_rng(0).integers(40, 200, (5, 32, 48, 3), np.uint8)
    drawn = np.zeros_like(frames)
    drawn[:, 8:24, 16:32] = 255
    clip, matte, picture = write_clip("clip.mkv", frames), write_clip("matte.mkv", drawn), tmp_path / "key.png"
    write_picture(str(picture), np.full((32, 48, 3), (0.8, 0.2, 0.3), np.float32))

    def media(path: Path) -> MediaReference:
        return MediaReference(locations=(str(path),))

    def make(model: str, **changes: object) -> EditRequest:
        request = EditRequest(
            target=media(clip),
            regions=(Region(mattes=(Matte(media=media(matte)),)),),
            keyframes=(Keyframe(frame=0, image=media(picture)),),
            model=model,
            preset=Preset.STANDARD,
            settings=Settings(
                motion_steps=2,
                appearance_steps=2,
                render_steps=2,
                rank=4,
                budget_px=2048,
                draft_given=0.0,
                draft_trust=0.0,
            ),
            seed=3,
        )
        return replace(request, **changes)

    return make


def run(request: EditRequest, folder: Path, bench: Bench, **how: int) -> EditResult:
    """With a cache of its own, so that everything is made anew."""
    (folder / "output").mkdir(parents=True)
    return run_edit(
        request,
        output=folder / "output",
        cache=folder / "cache",
        reporter=SilentReporter(),
        models=Catalogue(folder),
        bench=bench,
        **how,
    )


def same(warm: Path, cold: Path) -> bool:
    """Whether both made the same picture, and every adapter and latent on the way, to the bit."""
    names = [sorted(path.relative_to(each) for path in each.rglob("*.safetensors")) for each in (warm, cold)]
    assert names[0] == names[1] and any("adapters" in name.parts for name in names[0])
    for name in names[0]:
        tensors = load_file(warm / name), load_file(cold / name)
        if tensors[0].keys() != tensors[1].keys():
            return False
        if not all(torch.equal(value, tensors[1][key]) for key, value in tensors[0].items()):
            return False
    return all(map(np.array_equal, frames(warm), frames(cold)))


def frames(folder: Path) -> list[np.ndarray]:
    with ClipReader(str(folder / "output" / "result.mkv")) as clip:
        return [plane for frame in clip.frames(0, clip.facts.frame_count - 1) for plane in frame.planes]


def test_a_warm_edit_equals_a_cold_one_bit_for_bit(
    request_for: Callable[..., EditRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bundled weights. The edit before has another seed, rank and share, and leaves its adapter attached."""
    request = request_for(BUNDLED)
    before = replace(request, seed=8, settings=replace(request.settings, rank=16, adapted_share=0.5, step_cache=0.1))
    loads: list[str] = []
    monkeypatch.setattr("maskedit.models.wan.load_part", _counted(loads))
    bench = Bench()
    run(before, tmp_path / "before", bench)
    run(request, tmp_path / "warm", bench)
    assert loads.count("transformer") == 1
    run(request, tmp_path / "cold", Bench())
    assert loads.count("transformer") == 2
    assert same(tmp_path / "warm", tmp_path / "cold")


def _counted(loads: list[str]) -> Callable[..., object]:
    from maskedit.models.loading import load_part

    def counted(cls: type, directory: Path, part: str, **how: object) -> object:
        loads.append(part)
        return load_part(cls, directory, part, **how)  # type: ignore[arg-type]

    return counted


def test_nothing_stays_but_the_weights_as_they_are_on_the_disk(
    request_for: Callable[..., EditRequest], tmp_path: Path, plain_wan_folder: Path
) -> None:
    bench = Bench()
    run(request_for(str(plain_wan_folder)), tmp_path / "edit", bench)
    (transformer,) = bench._transformers.values()
    assert hasattr(transformer, "peft_config")
    bench.clear()
    stored = load_file(plain_wan_folder / "transformer" / "diffusion_pytorch_model.safetensors")
    kept = transformer.state_dict()
    assert kept.keys() == stored.keys() and all(torch.equal(kept[name], stored[name]) for name in stored)
    assert not hasattr(transformer, "peft_config") and not transformer.is_cache_enabled
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in transformer.parameters())
    assert not any(module.training or module._forward_hooks for module in transformer.modules())
    assert bench.planned_bytes == 0


def test_an_edit_that_failed_leaves_as_little(
    request_for: Callable[..., EditRequest], tmp_path: Path, plain_wan_folder: Path
) -> None:
    bench, request = Bench(), request_for(str(plain_wan_folder))

    class Stops(SilentReporter):
        def report(self, stage, done, **_) -> None:  # type: ignore[no-untyped-def]
            if stage == "render":
                raise InputError("as planned")

    folder = tmp_path / "failed"
    with pytest.raises(InputError, match="as planned"):
        run_edit(
            request,
            output=folder,
            cache=folder,
            reporter=Stops(),
            models=Catalogue(folder),
            bench=bench,
        )
    run(request, tmp_path / "warm", bench)
    run(request, tmp_path / "cold", Bench())
    assert same(tmp_path / "warm", tmp_path / "cold")


def test_weights_held_in_another_way_or_of_another_model_are_read_anew(
    plain_wan_folder: Path, two_experts_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, entry = Bench(), inspect_model(plain_wan_folder, "tiny")
    other = inspect_model(two_experts_folder, "other")

    def loaded(of=entry, **plan: object):  # type: ignore[no-untyped-def]
        model = bench.open(of)
        if plan:
            changed = replace(bench.plan(DEMAND), **plan)  # type: ignore[arg-type]
            monkeypatch.setattr("maskedit.bench.plan_for", lambda *_, **__: changed)
        bench.plan(DEMAND)
        monkeypatch.undo()
        return [model.expert(name) for name in model.experts]

    (first,) = loaded()
    assert loaded() == [first] and not first.is_gradient_checkpointing
    assert loaded(checkpointing=True) == [first] and first.is_gradient_checkpointing
    assert loaded() == [first] and not first.is_gradient_checkpointing
    (small,) = loaded(precision=Precision.NF4)
    assert small is not first
    (streamed,) = loaded(precision=Precision.NF4, offload=Offload.GROUP)
    assert streamed is not small
    experts = loaded(of=other)
    assert len(experts) == 2 and loaded(of=other) == experts
    assert len(bench._transformers) == 2
    assert loaded() != [first]


@pytest.mark.parametrize("precision", [Precision.FP8, Precision.NF4])
def test_layers_kept_small_come_back_from_under_their_adapters(plain_wan, precision: Precision) -> None:  # type: ignore[no-untyped-def]
    plan = replace(plain_wan.plan, precision=precision, offload=Offload.GROUP)
    transformer = fit(plain_wan.expert("transformer"), plan, block_lists=plain_wan.block_lists, device=plain_wan.device)
    before = dict(transformer.named_modules())
    size = bytes_of(transformer)
    adapters.attach(plain_wan, adapters.LoraSpec(rank=2), seed=0)
    adapters.strip(transformer)
    assert dict(transformer.named_modules()) == before and bytes_of(transformer) == size
    adapters.attach(plain_wan, adapters.LoraSpec(rank=3), seed=0)
    assert len(adapters.trainable(plain_wan)) > 0


def test_what_is_loaded_counts_as_free(plain_wan_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that fills main memory leaves no room to load another, and needs none: it is there."""
    from maskedit.memory import Memory

    bench, entry = Bench(), inspect_model(plain_wan_folder, "tiny")
    model = bench.open(entry)
    needed = bench.plan(DEMAND).device_bytes
    size = bytes_of(model.expert("transformer"))
    short = Memory(free=int((needed - size / 2) / 0.94), main=0, gpu=False)
    monkeypatch.setattr("maskedit.models.memory_of", lambda device: short)
    bench.open(entry)
    assert bench.plan(DEMAND).device_bytes == needed


def test_what_is_to_be_spared_is_not_planned_with(plain_wan_folder: Path) -> None:
    bench = Bench(spare_bytes=10**15)
    bench.open(inspect_model(plain_wan_folder, "tiny"))
    with pytest.raises(ModelError, match=r"0\.0 GB are free"):
        bench.plan(DEMAND)


@pytest.mark.parametrize("phase", Stage)
def test_memory_may_run_out_anywhere_and_is_told_from_all_else(
    request_for: Callable[..., EditRequest], tmp_path: Path, plain_wan_folder: Path, phase: Stage
) -> None:
    """torch's own error, raised where the phase reports; then what the worker does: once more, with less."""
    bench, request = Bench(), request_for(str(plain_wan_folder))

    class Reaching(SilentReporter):
        def report(self, stage, done, **_) -> None:  # type: ignore[no-untyped-def]
            reach(Point(stage))

    def edit(**how: int) -> EditResult:
        return run_edit(
            request,
            output=tmp_path / "output",
            cache=tmp_path / "cache",
            reporter=Reaching(),
            models=Catalogue(tmp_path),
            bench=bench,
            **how,
        )

    (tmp_path / "output").mkdir()
    with planned(f"{phase}=memory"), pytest.raises(torch.OutOfMemoryError) as ran_out:
        edit()
    assert memory_ran_out(ran_out.value)
    assert bool(bench.planned_bytes) == (phase is not Stage.PREPARE)
    done = edit(ran_out=bench.planned_bytes)
    memory = json.loads(done.record.read_text())["memory"]
    assert memory["checkpointing"] == (phase is not Stage.PREPARE) and memory["vae_tiling"]
    assert memory["sentence"].startswith("Memory ran out, so less is held")


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (cv2.error("OpenCV(4.12) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate"), True),
        (FileNotFoundError(2, "No such file", "out of memory.mov"), False),
        (InputError("out of memory.mov has no frames: give another."), False),
        (RuntimeError("shapes do not match"), False),
    ],
)
def test_memory_that_ran_out_is_recognised_also_under_another_error(error: Exception, is_so: bool) -> None:
    outer = InputError("The part cannot be loaded.")
    outer.__cause__ = error
    assert memory_ran_out(error) is memory_ran_out(outer) is is_so
