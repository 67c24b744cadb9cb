# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests dropped into a watch folder: a small JSON or YAML file whose keys are the options of `maskedit edit`.

Whoever may write into the folder writes them: they are plain data, small, and name files below the allowed folders
only.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plugin_client.cli.destination import SEQUENCES, suffix_of
from plugin_client.cli.edit import add_clip, add_edit_options
from plugin_client.cli.parsing import Parser, add_priority_option, add_server_options, picture_at, split_keyframe
from plugin_client.core.errors import BadInput
from plugin_client.core.requests import COMPOSITES

ENDINGS = (".edit.json", ".edit.yaml", ".edit.yml")
MAX_BYTES = 64 << 10
RESULTS = "results"
_YAML_DEPTH = 8
_SAME = {"keyframes": "keyframe", "mattes": "matte"}
_PATHS = ("clip", "matte", "subtract", "holdout", "ignore", "composite", "model", "out")
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")


def stem_of(name: str) -> str:
    """What a request file is called, without its ending: "shot" of `shot.edit.json`; "" for a file that is none."""
    ending = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
    usable = ending and name.isprintable() and not name.startswith((".", "~"))
    return name[: -len(ending)] if usable else ""


def read_request(file: Path, *, folder: Path, roots: Sequence[Path]) -> argparse.Namespace:
    """The request as `maskedit edit` would have its options, every path absolute, and `out` among them.

    Relative paths begin in `folder`. Files that it names, and `out`, have to lie in `folder` or one of `roots`, after
    all links. Raises BadInput, one sentence.
    """
    given = _read(file)
    if "clip" not in given:
        raise BadInput(f"{file.name} names no clip: add one.")
    given.setdefault("out", _default_out(stem_of(file.name), given))
    allowed = [Path(os.path.realpath(each)) for each in (folder, *roots)]
    words: list[str] = []
    parser = _parser()
    known, barred = _long_options(parser), _barred()
    for key, value in given.items():
        if key == "clip":
            continue
        if key in barred or key not in known:
            whose = " but of the watcher: leave it out" if key in barred else ": see `maskedit edit --help`"
            raise BadInput(f"{file.name} says {key[:60]!r}, which is no option of an edit{whose}.")
        for text in _texts(key, value, known[key]):
            # With an equals sign, and the clip behind two hyphens, no value can pass for an option.
            words.append(
                f"--{key}" if text is None else f"--{key}={_placed(key, text, folder=folder, allowed=allowed)}"
            )
    clip = _placed("clip", _scalar("clip", given["clip"]), folder=folder, allowed=allowed)
    return parser.parse_args([*words, "--", clip])


def _read(file: Path) -> dict[str, Any]:
    facts = file.lstat()
    if not stat.S_ISREG(facts.st_mode):
        raise BadInput(f"{file.name} is a link or a folder: drop the request's file itself.")
    if facts.st_size > MAX_BYTES:
        raise BadInput(
            f"{file.name} is larger than {MAX_BYTES >> 10} KiB: a request names files, it does not hold them."
        )
    try:
        text = file.read_text(encoding="utf-8-sig")
        given = json.loads(text, object_pairs_hook=_once) if file.suffix.lower() == ".json" else _yaml(text, file.name)
        if not isinstance(given, dict):
            raise BadInput(f"{file.name} is no list of options and values: write it as docs/watch.md shows.")
        named = ((str(key).replace("_", "-"), value) for key, value in given.items())
        return _once([(_SAME.get(key, key), value) for key, value in named])
    except BadInput:
        raise
    except (ValueError, RecursionError, PermissionError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise BadInput(f"{file.name} cannot be read ({reason}): mend it and drop it again.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _yaml(text: str, name: str) -> Any:
    """Every scalar as it stands there: 10:00:10:20 is no number, `no` is a word. Raises BadInput or ValueError."""
    try:
        import yaml
    except ImportError:
        raise BadInput(
            f"{name} is YAML, for which PyYAML is missing: install maskedit[watch], or write JSON."
        ) from None
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _YAML_DEPTH:
                raise ValueError("it is nested too deeply")
            # An anchor repeated can grow a small file without bounds; a tag asks for more than plain data.
            if getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
                raise ValueError("it has anchors or tags, a request is plain data")
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        return None if node is None else _plain(node)
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{error.problem}{where}") from error
    except yaml.YAMLError as error:
        raise ValueError(error) from error


def _plain(node: Any) -> Any:
    if node.id == "mapping":
        return _once([(str(_plain(key)), _plain(value)) for key, value in node.value])
    return [_plain(each) for each in node.value] if node.id == "sequence" else node.value


def _parser() -> Parser:
    parser = Parser(prog="maskedit edit")
    add_clip(parser)
    add_edit_options(parser)
    add_priority_option(parser)
    parser.add_argument("--out", required=True)
    return parser


def _barred() -> set[str]:
    """The options of `maskedit edit` that are the watcher's: which server, and how to print."""
    others = Parser(prog="")
    add_server_options(others)
    return {*_long_options(others), "json", "local"}


def _long_options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """By their names without hyphens before them."""
    return {
        name.removeprefix("--"): action
        for action in parser._actions
        for name in action.option_strings
        if name.startswith("--")
    }


def _texts(key: str, value: Any, action: argparse.Action) -> Iterator[str | None]:
    """What stands behind the option, once for each time that it is given; None for one that stands alone."""
    if action.nargs == 0:
        if not isinstance(value, bool) and value not in (*_YES, *_NO):
            raise BadInput(f"The value of {key} is true or false: choose one.")
        if value is True or value in _YES:
            yield None
        return
    if isinstance(value, Mapping) and key in ("keyframe", "set"):
        value = [f"{name}={_scalar(key, each)}" for name, each in value.items()]
    several = isinstance(value, list)
    if several and not isinstance(action, argparse._AppendAction):
        raise BadInput(f"There is one {key} value in an edit: give it without a list.")
    for each in value if several else [value]:
        yield _scalar(key, each)


def _scalar(key: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadInput(f"The value of {key} cannot be {json.dumps(value)[:60]}: give text or a number.")
    text = str(value)
    if not text.isprintable():
        raise BadInput(f"The value of {key} holds characters that do not print: retype it.")
    return text


def _placed(key: str, text: str, *, folder: Path, allowed: Sequence[Path]) -> str:
    """`text`, or where it names a file: its absolute path. Raises BadInput for one outside the allowed folders."""
    if key == "keyframe":
        label, image = split_keyframe(text)
        return f"{label}={_placed('image', image, folder=folder, allowed=allowed)}"
    is_name = (key == "composite" and text in COMPOSITES) or (key == "model" and not {"/", os.sep} & set(text))
    if key not in (*_PATHS, "image") or is_name:
        return text
    named = picture_at(0, text).path if key == "image" else text
    real = Path(os.path.realpath(folder / named))
    if not any(real.is_relative_to(root) for root in allowed):
        raise BadInput(f"{named} lies outside the watch folder: start `maskedit watch` with a --root that holds it.")
    return str(folder / text)


def _default_out(stem: str, given: Mapping[str, Any]) -> str:
    """Below `results`, by the request's name."""
    chosen = given.get("format", "mkv")
    first = chosen[0] if isinstance(chosen, list) and chosen else chosen
    return f"{RESULTS}/{stem}" if first in SEQUENCES else f"{RESULTS}/{stem}.{suffix_of(str(first))}"
