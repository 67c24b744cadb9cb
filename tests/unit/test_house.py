# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house that a machine can check: pins, licence lines, sizes, arrows, nothing of one machine."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from maskedit.mattes import parse_roto

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = ("maskedit", "bridge_server", "plugin_client", "packaging", "proto", "tests", "docs")
SOURCES = sorted(
    path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".proto") and path.is_file()
)
OURS = [
    *SOURCES,
    *(ROOT / name for name in ("run", ".ci/run", "pyproject.toml", "packaging/constraints.txt", ".gitignore")),
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "NOTICE", "packaging/blenders.sh")),
    *sorted((ROOT / "packaging").rglob("*.toml")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    return [Requirement(line) for line in lines if not line.startswith("maskedit")]


def constraints() -> dict[str, str]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_every_requirement_is_pinned_to_a_version_that_it_admits(requirement):
    version = constraints()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version)
    assert all(part.version == version for part in requirement.specifier if part.operator == "==")


def test_the_build_takes_the_compiler_that_the_developers_have():
    build = {requirement.name: requirement for requirement in map(Requirement, PROJECT["build-system"]["requires"])}
    assert str(build["grpcio-tools"].specifier) == f"=={constraints()['grpcio-tools']}"
    assert all(build[name].specifier.contains(constraints()[name]) for name in build)


def test_the_set_up_script_installs_the_pinned_torch():
    assert f"torch_version={constraints()['torch']}\n" in (ROOT / "run").read_text()


def test_the_changelog_knows_the_version_or_what_comes_next():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text or f"## [{PROJECT['project']['version']}]" in text


def test_each_source_file_names_its_licence():
    comments = {".proto": "//", ".py": "#"}
    unmarked = [
        relative(path) for path in SOURCES
        if path.read_text(encoding="utf-8").split("\n", 1)[0]
        != f"{comments[path.suffix]} SPDX-License-Identifier: GPL-3.0-or-later"
    ]  # fmt: skip
    assert SOURCES and unmarked == []


def test_no_source_file_is_longer_than_one_idea():
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_folders_that_are_no_packages_stay_so():
    for room in ("tests", "packaging", "proto", "docs"):
        assert list((ROOT / room).rglob("__init__.py")) == []


def test_test_files_have_names_of_their_own():
    names = [path.name for path in SOURCES if path.name.startswith("test_")]
    assert sorted(set(names)) == sorted(names)


# Spelt with classes of one letter, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(r"/wor[k]/|/roo[t]/|/tmp/tea[m]|/opt/pyp[i]|/opt/wheel[s]")
REGISTRY_HOSTS = re.compile(r"pyp[i]\.org|pythonhoste[d]|pytorc[h]\.org|npmj[s]\.|huggingfac[e]\.co|debia[n]\.org")


def test_nothing_names_one_machine_or_a_registry():
    found = {
        relative(path): match[0]
        for path in OURS
        for pattern in (MACHINE_PATHS, REGISTRY_HOSTS)
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == {}
    assert MACHINE_PATHS.search("/" + "work/x") and REGISTRY_HOSTS.search("pypi." + "org")


def test_each_link_between_our_pages_leads_somewhere():
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    links = {
        (relative(page), link)
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    }
    assert links == set()


def test_the_roto_file_in_the_docs_is_one():
    text = (ROOT / "docs" / "mattes.md").read_text(encoding="utf-8")
    whole, stroke = map(json.loads, re.findall(r"```json\n(.*?)```", text, re.DOTALL))
    roto = parse_roto(json.dumps(whole | {"strokes": [stroke]}))
    assert roto.size == (1280, 720)
    assert not roto.shapes[0].model_extra and not roto.strokes[0].model_extra


def lint_imports(folder: Path, *contracts: str) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    command += [part for contract in contracts for part in ("--contract", contract)]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path) -> Path:
    for package in ("maskedit", "bridge_server", "plugin_client", "bridge_api"):
        ignore = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.mp4", "*.mkv")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_arrows_of_the_architecture_hold(copy):
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("contract", "module", "line"),
    [
        ("method-alone", "maskedit/geometry/rects.py", "import grpc"),
        ("torch-free", "maskedit/media/probe.py", "import torch"),
        ("torch-free", "maskedit/scorecard.py", "import maskedit.tuning"),
        ("method-stack", "maskedit/request.py", "import maskedit.edit"),
        ("method-stack", "maskedit/newcomer.py", ""),
        ("server-light", "bridge_server/app.py", "import av"),
        ("server-light", "bridge_server/jobs/store.py", "import maskedit.mattes"),
        ("worker-alone", "bridge_server/app.py", "import bridge_server.worker"),
        ("proto-speakers", "bridge_server/assets.py", "import bridge_api.v1.edit_pb2"),
        ("server-stack", "bridge_server/jobs/store.py", "import bridge_server.rpc"),
        ("core-bare", "plugin_client/core/timeline.py", "import numpy"),
        ("cli-bare", "plugin_client/cli/console.py", "import maskedit.catalogue"),
        ("resolve-thin", "plugin_client/resolve/reading.py", "import numpy"),
    ],
)
def test_each_arrow_is_guarded(copy, contract, module, line):
    with (copy / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(copy, contract)
    assert done.returncode == 1 and "1 broken" in done.stdout, done.stdout


def test_the_drawn_house_is_the_one_that_stands():
    """When this fails: ./run exec python docs/draw_house.py, and look at the picture."""
    spec = spec_from_file_location("draw_house", ROOT / "docs" / "draw_house.py")
    assert spec and spec.loader
    draw_house = module_from_spec(spec)
    spec.loader.exec_module(draw_house)
    facts = draw_house.house()
    assert draw_house.drawn_facts() == facts
    assert "plugin_client.core -> bridge_api" in facts["arrows"]
    assert "bridge_server.rpc -> bridge_api" in facts["arrows"]
    assert "bridge_server.worker -> maskedit.edit" in facts["arrows"]
