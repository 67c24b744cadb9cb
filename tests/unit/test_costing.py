# SPDX-License-Identifier: GPL-3.0-or-later
"""Counted operations beside sums by hand, and the arithmetic of whole edits."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.adapters import LoraSpec
from maskedit.costing import step as step_script
from maskedit.costing.operations import Clip, Operations
from maskedit.costing.recipes import edit_cost
from maskedit.costing.tables import FULL, QUARTER, Lever, lever_table, markdown, preset_table
from maskedit.models.published import PUBLISHED, PublishedModel
from maskedit.presets import BEST, PRESETS, Recipe
from maskedit.request import Preset

PETA = 1e15
WAN = PUBLISHED["Wan2.1-I2V-14B-480P"]
LAYERS = 40
SPEC = LoraSpec()


def with_blocks(count: int) -> PublishedModel:
    return replace(WAN, config={**WAN.config, "num_layers": count})


@pytest.fixture(scope="module")
def few() -> Operations:
    return Operations(with_blocks(4))


@pytest.fixture(scope="module")
def fewer() -> Operations:
    return Operations(with_blocks(2))


def all_layers(few: float, fewer: float) -> float:
    """What forty blocks cost, from four and two: they are all alike."""
    return fewer + (few - fewer) / 2 * (LAYERS - 2)


def test_the_reference_is_as_measured_elsewhere(few: Operations, fewer: Operations) -> None:
    """At 832x480, 49 frames, checkpointed: 3.04 PF per step; a hundred of them and the render make 354."""
    step = all_layers(*(operations.step(FULL, SPEC, checkpointing=True) for operations in (few, fewer))) / PETA
    forward = all_layers(*(operations.forward(FULL, SPEC) for operations in (few, fewer))) / PETA
    assert step == pytest.approx(3.04, rel=0.01)
    assert forward == pytest.approx(0.840, rel=0.01)
    assert 100 * step + 30 * 2 * forward == pytest.approx(354, rel=0.03)


def block_by_hand(clip: Clip) -> float:
    """Two operations per weight and token, four per pair of tokens and channel; the prompt's 512 and 257 tokens."""
    width, ffn = 5120, 13824
    tokens = ((clip.frames - 1) // 4 + 1) * (clip.height // 16) * (clip.width // 16)
    linear = tokens * (6 * width**2 + 2 * width * ffn) + (2 * 512 + 2 * 257) * width**2
    attention = 2 * width * tokens * (tokens + 512 + 257)
    return 2 * (linear + attention)


@pytest.mark.parametrize("clip", [FULL, QUARTER, QUARTER.lasting(9), QUARTER.lasting(1)])
def test_a_block_costs_the_sum_over_its_products(few: Operations, fewer: Operations, clip: Clip) -> None:
    two_blocks = few.forward(clip, SPEC) - fewer.forward(clip, SPEC)
    assert two_blocks == pytest.approx(2 * block_by_hand(clip), rel=0.01)


def test_a_step_goes_back_through_what_lies_above_the_first_adapter_only(few: Operations) -> None:
    clip, half = QUARTER.lasting(9), LoraSpec(share=0.5)
    forward = few.forward(clip, SPEC)
    whole, later = (few.step(clip, spec, checkpointing=False) for spec in (SPEC, half))
    again, later_again = (few.step(clip, spec, checkpointing=True) for spec in (SPEC, half))
    # Half of the way back, less what the lowest adapted block need not pass on, and half of the second way there.
    assert 0.9 < (later - forward) / ((whole - forward) / 2) < 1
    assert again - whole == pytest.approx(forward, rel=0.05)
    assert later_again - later == pytest.approx(forward / 2, rel=0.05)


def test_counts_are_made_once(few: Operations, monkeypatch: pytest.MonkeyPatch) -> None:
    first = few.step(QUARTER.lasting(1), SPEC, checkpointing=False)
    monkeypatch.setattr(few, "_pass", None)
    assert few.step(QUARTER.lasting(1), SPEC, checkpointing=False) == first


def test_the_codec_works_in_proportion_to_the_picture(few: Operations) -> None:
    assert few.encode(FULL.lasting(5)) == pytest.approx(4 * few.encode(QUARTER.lasting(5)), rel=0.02)
    assert few.decode(FULL.lasting(5)) > few.encode(FULL.lasting(5)) > 0


class OneEach(Operations):
    """Every pass costs its frames, a way back twice as much and checkpointing once more; the codec a thousandth."""

    def __init__(self) -> None:
        pass

    def forward(self, clip: Clip, spec: LoraSpec) -> int:
        return 1000 * clip.frames

    def step(self, clip: Clip, spec: LoraSpec, *, checkpointing: bool) -> int:
        return 1000 * clip.frames * (3 + checkpointing)

    def encode(self, clip: Clip) -> int:
        return clip.frames

    decode = encode


def test_the_reference_recipe_step_by_step() -> None:
    cost = edit_cost(OneEach(), BEST, FULL, checkpointing=True, prompted=True)
    assert cost.motion == 100 * 4 * 49_000
    assert cost.appearance == 10 * 4 * 49_000 + 90 * 4 * 1_000
    assert cost.render == 30 * 2 * 49_000
    assert (cost.encoding, cost.encoding_next) == (2 * 49 + 2 + 49 + 49, 2 + 49 + 49)
    assert cost.first - cost.next == cost.motion + 2 * 49


def test_short_windows_guidance_and_early_stop() -> None:
    recipe = replace(BEST, training_frames=9, training_overlap=1, patience=20)
    cost = edit_cost(OneEach(), recipe, FULL, checkpointing=False)
    assert cost.motion == 100 * (3 * 9_000 + 0.4 * 9_000)
    assert cost.render == 30 * 49_000  # no prompt, so no second pass
    assert cost.encoding == 6 * 2 * 9 + 2 + 49 + 49


def test_a_clip_longer_than_the_window_is_rendered_in_several() -> None:
    long = FULL.lasting(157)
    assert edit_cost(OneEach(), BEST, long, checkpointing=False).render == 30 * 2 * 81_000


@given(
    steps=st.integers(0, 50),
    share=st.floats(0, 1),
    strength=st.floats(0.1, 1),
    frames=st.integers(0, 80).map(lambda n: n + 1),
)
def test_more_of_anything_never_costs_less(steps: int, share: float, strength: float, frames: int) -> None:
    recipe = replace(
        BEST, motion_steps=steps, appearance_steps=steps, motion_share=share, draft_strength=strength, patience=1
    )
    clip = FULL.lasting(4 * (frames // 4) + 1)
    cost = edit_cost(OneEach(), recipe, clip, checkpointing=False)
    for changed in ({"motion_steps": steps + 1}, {"appearance_steps": steps + 1}, {"render_steps": 40}):
        more = edit_cost(OneEach(), replace(recipe, **changed), clip, checkpointing=True, prompted=True)
        assert more.first >= cost.first >= cost.next


def test_the_goal_for_a_quarter_of_the_frame_can_be_met(few: Operations, fewer: Operations) -> None:
    """35 PF for the first edit of a clip and 4 for the next one, with every step taken."""
    recipe = PRESETS[Preset.STANDARD]
    costs = [edit_cost(operations, recipe, QUARTER, checkpointing=False) for operations in (few, fewer)]
    assert all_layers(*(cost.first for cost in costs)) / PETA < 35
    assert all_layers(*(cost.next for cost in costs)) / PETA < 4


def test_the_tables_have_a_row_for_everything(few: Operations) -> None:
    levers = [Lever(label="one frame", clip=QUARTER.lasting(1)), Lever(label="nine", clip=QUARTER.lasting(9))]
    rows = lever_table(few, levers).splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| one frame", "| nine"]
    small = Clip(width=64, height=32, frames=9)
    recipes = {"quick": Recipe(motion_steps=1, appearance_steps=1)}
    edits = preset_table(few, recipes, full=small, part=Clip(width=32, height=16, frames=9)).splitlines()
    assert [row.split(" | ")[0] for row in edits[2:]] == [
        "| reference recipe, whole frame, prompt", "| `quick`, whole frame", "| `quick`, a quarter",
    ]  # fmt: skip
    assert all(len(row.split("|")) == 10 for row in edits)


def test_markdown() -> None:
    assert markdown(("a", "b"), [("x", "1")]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_a_step_is_timed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- step:begin -->\n<!-- step:end -->\nbelow\n")
    assert step_script.main(["--tiny", "--device", "cpu", "--steps", "1", "--write", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("above") and text.endswith("below\n") and "at tiny size" in text
    rows = re.findall(r"\| (\S+), (\d+) frames \| (\w+) \| (\w+) \| ([\d.]+) \| (\S+) \| ([\d.]+) \|", text)
    assert [row[2] for row in rows] == ["bfloat16", "fp8"] * 3
    assert all(float(row[4]) >= 0 and float(row[5]) > 0 and float(row[6]) > 0 for row in rows)
    assert step_script.main(["--tiny", "--device", "cpu", "--steps", "1", "--write", str(tmp_path / "none.md")]) == 2
    assert "cannot be read" in capsys.readouterr().err
