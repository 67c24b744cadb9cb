# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out of text and values what is nobody else's business: secrets, prompts, where files lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

_SECRET_KEY = re.compile(r"token|secret|password|authorization|api_?key", re.IGNORECASE)
_PROMPT_KEY = re.compile(r"prompt", re.IGNORECASE)
# `Bearer …`, a hub's token, and what stands behind a word that says that a secret follows.
_SPOKEN_SECRET = re.compile(
    r"(?P<before>\bBearer\s+|\b(?:[A-Za-z_]*(?:token|secret|password|api_?key))[\"']?\s*[=:]\s*[\"']?)[^\s\"',;}]+"
    r"|\bhf_[A-Za-z0-9]{8,}",
    re.IGNORECASE,
)
_ROOT = r"(?:~?/|[A-Za-z]:[\\/]|\\\\)"
_QUOTED_PATH = re.compile(rf"(?P<quote>[\"'`])(?P<path>{_ROOT}[^\"'`\n]*)(?P=quote)")
_BARE_PATH = re.compile(rf"(?<![\w/\\.…]){_ROOT}[^\s\"'`<>|,;:)\]}}]*")
_WHOLE_PATH = re.compile(rf"{_ROOT}[^\n]*")
_FOLDER_END = r"(?![^\s/\\\"'`,;:)\]])"
# Shorter ones would riddle every text with holes.
_SHORTEST_WORD = 4
_SAID_OF_SECRETS = ("set", "not set")


@dataclass(frozen=True, kw_only=True)
class Scrubber:
    """Replaces `secrets` wherever they stand, whatever looks like one, and every path by its file name.

    `folders`: a folder → what stands for it ("DATA_DIR"); below it, paths are kept. `paths`: the user's own files, so
    that they are known even where spaces make them hard to tell from the text around them.
    """

    secrets: frozenset[str] = frozenset()
    prompts: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    folders: Mapping[str, str] = field(default_factory=dict)
    with_paths: bool = False

    def text(self, said: str) -> str:
        """`said` without them."""
        said = self._without_words(said)
        if self.with_paths:
            return said
        said = _QUOTED_PATH.sub(lambda found: f"{found['quote']}{_name_of(found['path'])}{found['quote']}", said)
        return _BARE_PATH.sub(lambda found: _name_of(found[0]), said)

    def value(self, value: Any) -> Any:
        """JSON values without them, the names of a mapping's entries included."""
        match value:
            case Mapping():
                return {self.text(str(key)): self._entry(str(key), held) for key, held in value.items()}
            case str():
                said = self._without_words(value)
                is_path = not self.with_paths and _WHOLE_PATH.fullmatch(said)
                return _name_of(said) if is_path else self.text(said)
            case Path():
                return self.value(str(value))
            case bytes():
                return f"{len(value)} bytes"
            case Iterable():
                return [self.value(each) for each in value]
            case _:
                return value

    def _without_words(self, said: str) -> str:
        """`said` without secrets and prompts, and with names for the paths and folders that are known."""
        for words, instead in ((self.secrets, "[secret]"), (self.prompts, "[prompt]")):
            for word in _longest_first(words):
                said = said.replace(word, instead)
        said = _SPOKEN_SECRET.sub(lambda found: f"{found['before'] or ''}[secret]", said)
        if self.with_paths:
            return said
        for path in _longest_first(self.paths):
            said = said.replace(path, _name_of(path))
        known = {str(Path.home()): "~", **self.folders}
        for folder in _longest_first(known):
            said = re.sub(re.escape(folder) + _FOLDER_END, lambda _, of=folder: known[of], said)
        return said

    def _entry(self, key: str, held: Any) -> Any:
        if isinstance(held, str):
            if _SECRET_KEY.search(key):
                return held if held in _SAID_OF_SECRETS else _SAID_OF_SECRETS[not held]
            if _PROMPT_KEY.search(key):
                return f"[prompt of {len(held)} characters]" if held else ""
        return self.value(held)


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted((word for word in words if len(word) >= _SHORTEST_WORD), key=len, reverse=True)


def _name_of(path: str) -> str:
    name = PurePosixPath(path.replace("\\", "/")).name
    return f"…/{name}" if name and name != "~" else "…"
