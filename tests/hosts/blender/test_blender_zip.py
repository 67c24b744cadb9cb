# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip in real Blenders that know nothing yet: installed, started with, updated, taken off."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.hosts.blender.conftest import ROOT, Blender, build_zips

FRESH = Path(__file__).parent / "fresh_blender.py"
# What the add-on may add to Blender's start; tests allow a busy machine five times as much.
START_SECONDS = 0.05
LEGACY_BLENDER = shutil.which("blender")


def pins() -> dict[str, str]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def environment(home: Path) -> dict[str, str]:
    """Nobody's home, nothing to import from, byte code kept as Blender itself keeps it."""
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "BLENDER_USER_RESOURCES": str(home / "blender"), "PYTHONDONTWRITEBYTECODE": ""}


def fresh(blender: Blender, home: Path, *arguments: str | Path) -> dict:
    """What `fresh_blender.py` says inside `blender`."""
    ran = blender.run(FRESH, *arguments, paths=(), **environment(home))
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_the_zip_holds_what_it_should_and_nothing_else(extension_zip):
    held = pins()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with zipfile.ZipFile(extension_zip) as packed:
        # Without the platform, the last part of a wheel's name.
        names = [re.sub(r"-[^-]+\.whl$", "", name) for name in packed.namelist()]
    assert names == [
        "LICENSE",
        "NOTICE",
        "__init__.py",
        "blender_manifest.toml",
        f"wheels/grpcio-{held['grpcio']}-cp311-cp311",
        f"wheels/grpcio-{held['grpcio']}-cp313-cp313",
        f"wheels/maskedit_client-{version}-py3-none",
        f"wheels/protobuf-{held['protobuf']}-cp39-abi3",
        f"wheels/typing_extensions-{held['typing_extensions']}-py3-none",
    ]


def test_blender_finds_no_fault_in_it(blender, extension_zip):
    checker = next(
        blender.python.parents[1].glob("lib/*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    )
    ran = blender.run(checker, "validate", extension_zip, paths=())
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_installs_with_libraries_of_its_own(blender, extension_zip, tmp_path):
    facts = fresh(blender, tmp_path / "home", "install", extension_zip)
    assert facts["addons"] == ["bl_ext.user_default.maskedit"]
    assert facts["after_register"] == ["plugin_client"]
    assert facts["versions"] == {name: pins()[name] for name in ("grpcio", "protobuf")}
    assert all(Path(file).is_relative_to(facts["extensions"]) for file in facts["files"].values()), facts["files"]


def test_every_module_of_the_client_finds_what_it_needs(blender, extension_zip, tmp_path):
    imported = fresh(blender, tmp_path / "home", "use", extension_zip)["imported"]
    assert {"plugin_client.core.connection", "plugin_client.blender.addon"} <= set(imported)
    assert {name.split(".")[1] for name in imported} == {"core", "blender"}


def test_a_start_costs_nothing_that_one_could_notice(blender, extension_zip, tmp_path, record_property):
    home = tmp_path / "home"
    fresh(blender, home, "install", extension_zip)
    starts = [fresh(blender, home, "start") for _ in range(3)]
    assert [start["loaded"] for start in starts] == [["plugin_client"]] * 3
    added, factory = (statistics.median(start[name] for start in starts) for name in ("maskedit", "factory"))
    record_property("added_ms", round(1000 * added))
    print(f"Blender {blender.version}: {1000 * factory:.0f} ms without, {1000 * added:.1f} ms more with MaskEdit")
    assert added <= 5 * START_SECONDS


def test_nothing_stays_behind(blender, extension_zip, tmp_path):
    home = tmp_path / "home"
    fresh(blender, home, "install", extension_zip)
    facts = fresh(blender, home, "take_off")
    assert "MaskEditPreferences" in facts["on"]["classes"] and facts["before"]["classes"] == []
    assert facts["off"] == facts["before"]
    assert facts["loaded"] == [] and facts["uninstalled"]
    left = [path for path in (home / "blender").rglob("*") if re.search("maskedit|plugin_client|grpc", path.name)]
    assert left == []


@pytest.fixture(scope="module")
def newer_zip(tmp_path_factory) -> Path:
    """The same add-on one version on, told apart by the first line of its client."""
    tree = tmp_path_factory.mktemp("newer")
    for name in ("packaging", "plugin_client", "bridge_api"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tree)
    project = (ROOT / "pyproject.toml").read_text()
    (tree / "pyproject.toml").write_text(re.sub(r'(?m)^version = ".*"$', 'version = "99.0.0"', project))
    (tree / "plugin_client" / "__init__.py").write_text('"""The newer one."""\n')
    return build_zips(tree, tree / "dist")


def test_an_update_takes_effect_at_once(blender, extension_zip, newer_zip, tmp_path):
    facts = fresh(blender, tmp_path / "home", "update", extension_zip, newer_zip)
    assert facts["first"] != facts["second"] == "99.0.0"
    assert facts["doc"] == "The newer one."
    assert facts["loaded"] == ["plugin_client"]


def legacy_zip(extension_zip: Path) -> Path:
    return next(extension_zip.parent.glob("maskedit-blender-legacy-*.zip"))


def assert_legacy_works(facts: dict, home: Path) -> None:
    assert facts["after_register"] == ["plugin_client"]
    assert all(Path(file).is_relative_to(home / "blender") for file in facts["files"]), facts["files"]
    assert facts["paths_restored"] and "plugin_client" not in facts["loaded"]


def test_the_zip_for_older_blenders_wants_its_python(blender, extension_zip, tmp_path):
    home = tmp_path / "home"
    facts = fresh(blender, home, "legacy", legacy_zip(extension_zip))
    if blender.tools.name == "tools-311":
        assert_legacy_works(facts, home)
    else:
        assert re.search(
            r"needs a Blender with Python 3\.11, and Blender 5\.\d+\.\d+.* has 3\.13: use Blender 4\.2", facts["error"]
        )
        assert facts["loaded"] == []


@pytest.mark.skipif(LEGACY_BLENDER is None, reason="the system has no Blender of its own")
def test_the_zip_for_older_blenders_in_the_system_s_own(extension_zip, tmp_path):
    home = tmp_path / "home"
    script = ["--background", "--factory-startup", "--python-exit-code", "3", "--python", str(FRESH), "--"]
    # Older Blenders know each folder by a variable of its own.
    folders = {f"BLENDER_USER_{name}": str(home / "blender" / name.lower()) for name in ("CONFIG", "SCRIPTS")}
    ran = subprocess.run(
        [LEGACY_BLENDER, *script, "legacy", str(legacy_zip(extension_zip))],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment(home) | folders,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    facts = json.loads(ran.stdout.splitlines()[-1])
    assert_legacy_works(facts, home)
