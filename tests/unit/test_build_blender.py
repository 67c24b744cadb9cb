# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into the Blender zips: the slim wheel, the manifest, the libraries; equal trees make equal bytes."""

import ast
import re
import shutil
import tomllib
import zipfile
from importlib.metadata import requires
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def builder(tree: Path) -> ModuleType:
    """`packaging/build_blender.py` of `tree`, as a module."""
    spec = spec_from_file_location("build_blender", tree / "packaging" / "build_blender.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """What the zips are built from, at another place and with other times than the tree itself."""
    copy = tmp_path_factory.mktemp("tree")
    for room in ("packaging", "plugin_client", "bridge_api"):
        shutil.copytree(
            ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copy
        )
    for name in ("pyproject.toml", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory) -> Path:
    return builder(tree).build_client_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheels(wheel) -> list[Path]:
    """The client's wheel, and others that stand for libraries: named by their Python, one file in each."""
    others = [wheel.with_name(f"library-1-{python}-{python}-linux_x86_64.whl") for python in ("cp311", "cp313")]
    for path in others:
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("library/", "")
            packed.writestr(f"library/{path.stem}.so", path.name)
    return [others[1], wheel, others[0]]


def requirement_names(lines: list[str]) -> set[str]:
    """Whatever is required without extras."""
    return {
        re.sub("[-_.]+", "_", found.name) for line in lines if "extra" not in str((found := Requirement(line)).marker)
    }


def test_the_wheel_holds_the_client_s_rooms_and_nothing_else(tree, wheel):
    rooms = [tree / "plugin_client" / "core", tree / "plugin_client" / "blender", tree / "bridge_api"]
    expected = {path.relative_to(tree).as_posix() for room in rooms for path in room.rglob("*.py")}
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert held == expected | {"plugin_client/__init__.py"}
    assert {"plugin_client/blender/addon.py", "bridge_api/v1/edit_pb2.py"} <= held


def test_the_wheel_says_what_the_project_says(wheel):
    assert wheel.name == f"maskedit_client-{PROJECT['version']}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as packed:
        lines = packed.read(f"maskedit_client-{PROJECT['version']}.dist-info/METADATA").decode().splitlines()
    required = [Requirement(line.partition(": ")[2]) for line in lines if line.startswith("Requires-Dist: ")]
    assert required == [Requirement(line) for line in PROJECT["dependencies"] if not line.startswith("rich")]
    assert f"Requires-Python: {PROJECT['requires-python']}" in lines


def test_the_libraries_want_nothing_more(tree, wheel):
    bundled = builder(tree).BUNDLED
    assert requirement_names(PROJECT["dependencies"]) - {"rich"} <= set(bundled)
    for library in bundled:
        assert requirement_names(requires(library) or []) <= set(bundled)


def test_equal_trees_make_equal_zips(tree, wheel, wheels, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    here, there = builder(ROOT), builder(tree)
    assert here.build_client_wheel(tmp_path / "wheel").read_bytes() == wheel.read_bytes()
    results = []
    for built, order in ((here, wheels), (there, wheels[::-1])):
        out = tmp_path / f"out{len(results)}"
        out.mkdir()
        paths = built.build_extension("linux-x64", order, out), built.build_legacy(order, out)
        results.append([(path.name, path.read_bytes()) for path in paths])
    assert results[0] == results[1]


def test_the_manifest_fits_what_lies_beside_it(tree, wheels, tmp_path):
    path = builder(tree).build_extension("macos-arm64", wheels, tmp_path)
    assert path.name == f"maskedit-blender-{PROJECT['version']}-macos-arm64.zip"
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        manifest = tomllib.loads(packed.read("blender_manifest.toml").decode())
        assert packed.read("__init__.py") == (ROOT / "packaging" / "blender" / "extension.py").read_bytes()
        assert all(packed.read(f"wheels/{wheel.name}") == wheel.read_bytes() for wheel in wheels)
    assert manifest["version"] == PROJECT["version"] and manifest["platforms"] == ["macos-arm64"]
    assert manifest["wheels"] == [f"./{name}" for name in names if name.startswith("wheels/")]
    assert len(manifest["wheels"]) == len(wheels)
    assert set(manifest["permissions"]) == {"files", "network"}


def test_the_zip_for_older_blenders_holds_the_wheels_that_fit_unpacked(tree, wheel, wheels, tmp_path):
    path = builder(tree).build_legacy(wheels, tmp_path)
    assert path.name == f"maskedit-blender-legacy-{PROJECT['version']}-linux-x64.zip"
    with zipfile.ZipFile(path) as packed, zipfile.ZipFile(wheel) as client:
        start = packed.read("maskedit_blender/__init__.py").decode()
        names = set(packed.namelist())
        unpacked = {name for name in names if name.startswith("maskedit_blender/libraries/")}
        assert packed.read("maskedit_blender/libraries/plugin_client/__init__.py") == client.read(
            "plugin_client/__init__.py"
        )
        fits = "maskedit_blender/libraries/library/library-1-cp311-cp311-linux_x86_64.so"
        assert unpacked == {f"maskedit_blender/libraries/{name}" for name in client.namelist()} | {fits}
    assert names - unpacked == {
        f"maskedit_blender/{name}" for name in ("LICENSE", "NOTICE", "__init__.py", "extension.py")
    }
    # Blender reads bl_info without running the file.
    facts = next(
        node.value for node in ast.parse(start).body if isinstance(node, ast.Assign) and node.targets[0].id == "bl_info"
    )
    assert ast.literal_eval(facts)["version"] == tuple(map(int, PROJECT["version"].split(".")))


def test_a_template_that_lost_its_blank_is_said(tree, wheels, tmp_path):
    broken = tmp_path / "tree"
    shutil.copytree(tree, broken)
    (broken / "packaging" / "blender" / "blender_manifest.toml").write_text('id = "maskedit"\n')
    with pytest.raises(SystemExit, match="The template has no single line 'version = "):
        builder(broken).build_extension("linux-x64", wheels, tmp_path)


def test_libraries_that_cannot_be_had_are_said_in_one_sentence(tree, tmp_path, monkeypatch):
    # Nothing but an empty folder to look in.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(SystemExit, match=r"^The wheels for windows-x64 with Python 3\.11 cannot be fetched: [^\n]+$"):
        builder(tree).fetch_wheels("windows-x64", tmp_path / "wheels")


def test_protos_that_are_not_compiled_are_said(tree, tmp_path):
    bare = tmp_path / "tree"
    shutil.copytree(tree, bare, ignore=shutil.ignore_patterns("bridge_api"))
    with pytest.raises(SystemExit, match=r"The protos are not compiled: build with `\./run exec"):
        builder(bare).build_client_wheel(tmp_path)
