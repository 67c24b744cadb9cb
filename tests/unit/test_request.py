# SPDX-License-Identifier: GPL-3.0-or-later
"""The request survives JSON, and what this version cannot do is refused in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.errors import InputError
from maskedit.refusals import refuse_unsupported
from maskedit.request import (
    Deliverable,
    DeliverableFormat,
    DeliverableKind,
    EditRequest,
    Extent,
    FrameRange,
    Keyframe,
    KeyframeRole,
    Matte,
    MattePurpose,
    MediaFacts,
    MediaReference,
    Preset,
    Region,
    RegionRole,
    Rerender,
    Settings,
    TrainingSource,
    from_json,
    to_json,
)

MATTE = Matte(media=MediaReference(locations=("matte.mkv",)))
KEYFRAME = Keyframe(frame=0, image=MediaReference(locations=("edited.png",)))
REQUEST = EditRequest(
    target=MediaReference(locations=("clip.mov",)), regions=(Region(mattes=(MATTE,)),), keyframes=(KEYFRAME,)
)

requests = st.builds(
    EditRequest,
    target=st.builds(MediaReference, locations=st.tuples(st.text()), size_bytes=st.integers(0, 2**40)),
    regions=st.just(REQUEST.regions),
    keyframes=st.lists(
        st.builds(
            Keyframe,
            frame=st.integers(0, 10_000),
            image=st.just(KEYFRAME.image),
            role=st.sampled_from(KeyframeRole),
            extent=st.none() | st.just(Extent(x=1, y=2, width=3, height=4)),
        ),
        max_size=3,
    ).map(tuple),
    facts=st.none()
    | st.builds(
        MediaFacts,
        frame_count=st.integers(1, 1000),
        width=st.integers(1, 8192),
        height=st.integers(1, 8192),
        rate=st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)]),
        pixel_format=st.just("yuv422p10le"),
    ),
    frames=st.none() | st.integers(0, 99).map(lambda n: FrameRange(first=n, last=n + 3)),
    handles=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    preset=st.sampled_from(Preset),
    settings=st.builds(Settings, learning_rate=st.none() | st.floats(1e-6, 1), rank=st.none() | st.integers(1, 64)),
    prompt=st.text(),
    seed=st.integers(0, 2**31),
    deliverables=st.lists(
        st.builds(Deliverable, kind=st.sampled_from(DeliverableKind), format=st.sampled_from(DeliverableFormat)),
        max_size=2,
    ).map(tuple),
)


@given(requests)
def test_a_request_comes_back_equal_from_json(request: EditRequest) -> None:
    assert from_json(to_json(request)) == request


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"target": 3}', "not json"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        from_json(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [(("preset",), "fastest"), (("regions", 0, "role"), "ghost"), (("keyframes", 0, "role"), "maybe")],
)
def test_an_unknown_enum_value_is_refused(path: tuple[str | int, ...], value: str) -> None:
    tree = json.loads(to_json(REQUEST))
    node = tree
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    with pytest.raises(InputError, match="cannot be read"):
        from_json(json.dumps(tree))


@pytest.mark.parametrize(("first", "last"), [(5, 4), (-1, 3)])
def test_a_backward_range_is_refused(first: int, last: int) -> None:
    with pytest.raises(InputError, match="FIRST-LAST"):
        FrameRange(first=first, last=last)


def test_a_range_counts_both_ends() -> None:
    assert len(FrameRange(first=3, last=3)) == 1
    assert len(FrameRange(first=0, last=24)) == 25


def test_media_without_a_location_names_itself() -> None:
    with pytest.raises(InputError, match=r"shot\.mov has no location"):
        _ = MediaReference(display_name="shot.mov").path


def test_the_plain_request_is_supported() -> None:
    refuse_unsupported(REQUEST)


def test_a_region_may_be_what_the_keyframes_change() -> None:
    refuse_unsupported(replace(REQUEST, regions=(*REQUEST.regions, Region(mattes=()))))
    holdout = replace(MATTE, purpose=MattePurpose.HOLDOUT)
    refuse_unsupported(replace(REQUEST, regions=(Region(mattes=(holdout,)),)))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"regions": ()}, "matte"),
        ({"regions": (Region(mattes=(MATTE,), role=RegionRole.SHADOW),)}, "Shadow"),
        ({"regions": (Region(mattes=()), Region(mattes=()))}, "Several regions have no matte"),
        ({"keyframes": ()}, "keyframe"),
        ({"keyframes": (replace(KEYFRAME, role=KeyframeRole.REFERENCE),)}, "reference"),
        ({"keyframes": (KEYFRAME, KEYFRAME)}, "same frame"),
        ({"training_sources": (TrainingSource(media=REQUEST.target),)}, "training sources"),
        ({"handles": (8, 8)}, "Handles"),
        ({"rerender": Rerender(parent_take="1", frames=())}, "at least one range"),
        ({"deliverables": (Deliverable(), Deliverable())}, "same kind and format"),
        ({"deliverables": ()}, "at least one"),
    ],
)
def test_what_this_version_cannot_do_is_said(change: dict, word: str) -> None:
    with pytest.raises(InputError, match=word) as raised:
        refuse_unsupported(replace(REQUEST, **change))
    assert str(raised.value).endswith(".")


def test_the_torch_free_rooms_stay_free_of_torch() -> None:
    """What the server and the panel import must not pull in torch, whatever else is installed."""
    modules = ["request", "errors", "progress", "presets", "geometry", "mattes", "media", "checking", "catalogue"]
    code = (
        f"import sys; [__import__('maskedit.' + name) for name in {modules}]; "
        "print(sorted({'torch', 'diffusers', 'peft', 'transformers'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
