# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which licence a model's weights are, and what that says about commercial use (torch-free).

A statement of what the publishers say, not legal advice.
"""

from __future__ import annotations

import re
from pathlib import Path

from maskedit.model_configs import Statement
from maskedit.regular import read_small

_HUNYUAN = (
    "Tencent Hunyuan Community licence",
    "Not licensed in the European Union, the United Kingdom and South Korea; elsewhere commercial use is allowed "
    "within the licence's terms.",
)
_COMMERCIAL = {
    "apache-2.0": "Commercial use is allowed, in every territory.",
    "mit": "Commercial use is allowed, in every territory.",
    "gpl-3.0-or-later": "Commercial use is allowed; what you make with it is yours.",
}
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
_UNKNOWN = "Not stated in the folder: see where you got it before commercial use."


def licence_of(directory: Path, *, family: str, stated: Statement) -> tuple[str, str]:
    """(licence, one sentence on commercial use) from maskedit.json, the model card, or the family's known terms."""
    if family.startswith("hunyuan"):
        return _HUNYUAN
    licence = stated.licence or card_licence(directory / "README.md")
    if not licence:
        wan = family.startswith("wan")
        return "unknown", "Wan's own weights are Apache-2.0, this folder does not say: check." if wan else _UNKNOWN
    return licence, stated.commercial or _COMMERCIAL.get(licence.lower(), _UNKNOWN)


def card_licence(card: Path) -> str:
    """The licence that a model card's front matter names, or ""."""
    try:
        matter = _FRONT_MATTER.match(read_small(card).decode(errors="replace").replace("\r\n", "\n"))
    except OSError:
        return ""
    found = dict(re.findall(r"^(license|license_name):\s*(\S+)\s*$", matter[1], re.MULTILINE)) if matter else {}
    return found["license_name"] if "license_name" in found else found.get("license", "")
