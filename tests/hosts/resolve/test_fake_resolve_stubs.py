# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake has no call that the public type stubs do not have, and none with another arity."""

from __future__ import annotations

import ast
import importlib
import inspect
from importlib.metadata import distribution

import pytest

from tests.hosts.resolve.fake.names import STUDIO_ONLY, VERSIONS, classes, names_of

PLAYED = {
    "app": ("Resolve", "ProjectManager", "Fusion"),
    "project": ("Project",),
    "pool": ("MediaPool", "Folder"),
    "clip": ("MediaPoolItem",),
    "timeline": ("Timeline",),
    "item": ("TimelineItem", "ColorGroup"),
    "gallery": ("Gallery", "GalleryStillAlbum", "GalleryStill"),
    "fusion": ("FusionComp", "FusionTool"),
}
FUSION = {"Fusion", "FusionComp", "FusionTool"}
"""Not in the stubs: Fusion documents its own objects."""
YOUNGER_THAN_THE_STUBS = {
    *("Timeline.GetSelectedClips", "TimelineItem.GetType", "TimelineItem.GetProperties", "TimelineItem.SetProperties"),
    *("Project.GetSettings", "Project.SetSettings", "Timeline.GetSettings"),
}
LEFT_OUT_AT_WILL = {
    ("AddTrack", "subTrackType"),
    ("AddTrack", "newTrackOptions"),
    ("DeleteClips", "Bool"),
    ("GetSetting", "settingName"),
    *((f"Get{what}", "subframe_precision") for what in ("Start", "End", "Duration", "LeftOffset", "RightOffset")),
}
"""Parameters that the stubs demand and the documentation calls optional."""

Arity = tuple[int, float]


def stub_classes() -> dict[str, dict[str, list[ast.FunctionDef]]]:
    """class → method → its overloads."""
    files = distribution("fusionscript-stubs").files or []
    stub = next(file for file in files if file.name == "fusionscript.pyi")
    found: dict[str, dict[str, list[ast.FunctionDef]]] = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            methods = found.setdefault(node.name, {})
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    methods.setdefault(part.name, []).append(part)
    return found


STUBS = stub_classes()


def stub_arity(overloads: list[ast.FunctionDef]) -> Arity:
    """The fewest and the most arguments over all overloads."""
    least, most = [], []
    for one in overloads:
        given = one.args.args[1:]
        without_default = given[: len(given) - len(one.args.defaults)]
        needed = [argument for argument in without_default if not _is_optional(one.name, argument)]
        least.append(len(needed))
        most.append(float("inf") if one.args.vararg else len(given))
    return min(least), max(most)


def _is_optional(call: str, argument: ast.arg) -> bool:
    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
    return annotation.startswith("Optional") or (call, argument.arg) in LEFT_OUT_AT_WILL


def played_methods() -> list[tuple[str, object]]:
    found = []
    for module, owners in PLAYED.items():
        for owner in owners:
            played = getattr(importlib.import_module(f"tests.hosts.resolve.fake.{module}"), owner)
            found += [(f"{owner}.{name}", method) for name, method in vars(played).items() if name[0].isupper()]
    return found


@pytest.mark.parametrize(("label", "method"), played_methods(), ids=[label for label, _ in played_methods()])
def test_every_call_has_the_arity_of_the_stubs(label, method):
    owner, name = label.split(".")
    assert any(name in names_of(owner, version) for version in VERSIONS), "no version of Resolve has it"
    if owner in FUSION or label in YOUNGER_THAN_THE_STUBS:
        assert name not in STUBS.get(owner, {})
        return
    parameters = list(inspect.signature(method).parameters.values())[1:]
    least = sum(1 for one in parameters if one.default is one.empty and one.kind is not one.VAR_POSITIONAL)
    is_open = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    assert (least, float("inf") if is_open else len(parameters)) == stub_arity(STUBS[owner][name])


def test_the_table_of_names_is_that_of_the_stubs():
    for owner in set(classes()) - {"FusionComp", "FusionTool", "Fusion"}:
        assert names_of(owner, "21.0") == STUBS[owner].keys(), owner


def test_each_version_brought_names_and_21_1_took_some():
    assert "AddTrack" in names_of("Timeline", "18.5") and "ExportCurrentFrameAsStill" in names_of("Project", "18.5")
    for name, since, before in [
        ("GetSourceStartFrame", "19.0", "18.6"),
        ("GetTrackTypeAndIndex", "19.0", "18.6"),
        ("SetColorOutputCache", "19.1.2", "19.0.3"),
        ("SetName", "20.2", "20.1"),
        ("GetType", "21.1", "21.0.4"),
    ]:
        assert name in names_of("TimelineItem", since) and name not in names_of("TimelineItem", before)
    for owner, single, all_of_them in [
        ("Timeline", "GetSetting", "GetSettings"),
        ("Project", "SetSetting", "SetSettings"),
        ("TimelineItem", "GetProperty", "GetProperties"),
    ]:
        assert [single in names_of(owner, version) for version in ("21.0.4", "21.1")] == [True, False]
        assert [all_of_them in names_of(owner, version) for version in ("21.0.4", "21.1")] == [False, True]
    assert "GetSelectedClips" in names_of("Timeline", "21.0.4") - names_of("Timeline", "21.0.3")


def test_what_is_studios_alone_are_real_names():
    for label in STUDIO_ONLY:
        owner, name = label.split(".")
        assert name in names_of(owner, "21.0")
