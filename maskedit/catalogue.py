# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that this machine has: the bundled one, and folders that the user added or fetched (torch-free).

`python -m maskedit.catalogue list|check|add|remove|get … [--json] --data-dir DIR`
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from maskedit.errors import InputError, MaskEditError
from maskedit.model_check import ModelEntry, inspect_model
from maskedit.whole import written_whole

__all__ = ["BUNDLED", "Catalogue", "ModelEntry"]

BUNDLED = "bundled"
_BUNDLED_DIRECTORY = Path(__file__).parent / "models" / "bundled" / "weights"


class Catalogue:
    """Names for model folders, kept in `data_dir/models.json`. Folders are inspected anew at each look."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._file = data_dir / "models.json"

    def list(self) -> tuple[ModelEntry, ...]:
        """The bundled model first, then the added ones by name."""
        return tuple(inspect_model(directory, name) for name, directory in self._directories().items())

    def find(self, name_or_directory: str) -> ModelEntry:
        """The model of this name, or in this folder. Raises InputError naming the known ones."""
        directories = self._directories()
        if name_or_directory in directories:
            return inspect_model(directories[name_or_directory], name_or_directory)
        if (directory := _folder(name_or_directory)) is not None:
            return inspect_model(directory, directory.name)
        raise InputError(
            f"There is no model {name_or_directory!r}: choose {', '.join(directories)}, or add a folder with "
            "`maskedit models add DIR`."
        )

    def add(self, directory: Path, *, name: str = "") -> ModelEntry:
        """Give a folder a name (its own by default). Raises InputError for a folder that cannot be used."""
        directory = directory.expanduser().resolve()
        entry = inspect_model(directory, name or directory.name)
        if entry.problems:
            raise InputError(entry.problems[0])
        with self._locked():
            known = self._directories()
            if known.get(entry.name, directory) != directory:
                raise InputError(f"The name {entry.name} is taken by {known[entry.name]}: give another with --name.")
            self._write({**known, entry.name: directory})
        return entry

    def remove(self, name: str) -> None:
        """Forget a name; the folder stays where it is. Raises InputError for names that cannot be removed."""
        with self._locked():
            known = self._directories()
            if name == BUNDLED or name not in known:
                raise InputError(f"The model {name!r} was never added: `maskedit models list` shows the names.")
            self._write({known_name: path for known_name, path in known.items() if known_name != name})

    def _directories(self) -> dict[str, Path]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))["models"]
            added = {str(name): Path(directory) for name, directory in sorted(stored.items())}
        except FileNotFoundError:
            added = {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"The list of models {self._file} cannot be read: mend or delete it.") from error
        return {BUNDLED: _BUNDLED_DIRECTORY, **added}

    def _write(self, directories: dict[str, Path]) -> None:
        models = {name: str(directory) for name, directory in directories.items() if name != BUNDLED}
        with written_whole(self._file) as unfinished:
            unfinished.write_text(json.dumps({"version": 1, "models": models}, indent=1), encoding="utf-8")

    def _locked(self) -> FileLock:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return FileLock(self.data_dir / "models.lock", timeout=10)


def _folder(name: str) -> Path | None:
    """The folder of that name, unless nothing can be called that: too long, a NUL, the home of no user."""
    with suppress(OSError, ValueError, RuntimeError):
        folder = Path(name).expanduser()
        return folder.resolve() if folder.is_dir() else None
    return None


def _describe(entry: ModelEntry) -> str:
    lines = [f"{entry.name}: {entry.family}, {entry.size_bytes / 1e9:.2f} GB, licence {entry.licence}"]
    if entry.commercial:
        lines.append(f"  {entry.commercial}")
    if entry.limits:
        frames, megapixels = entry.limits["max_frames"], entry.limits["budget_px"] / 1e6
        lines.append(f"  Works on up to {frames} frames of {megapixels:.2f} megapixels at a time.")
    return "\n".join([*lines, f"  {entry.directory}", *(f"  Problem: {problem}" for problem in entry.problems)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="maskedit models", description="The models that this machine has.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-dir", type=Path, required=True, metavar="DIR", help="where the list of models is kept")
    common.add_argument("--json", action="store_true", help="print one JSON object")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", parents=[common], help="every model, its licence and its problems")
    check = verbs.add_parser("check", parents=[common], help="say what is missing or wrong")
    check.add_argument("model", help="a name or a folder")
    add = verbs.add_parser("add", parents=[common], help="use a model folder on disk")
    add.add_argument("directory", type=Path)
    add.add_argument("--name", default="")
    remove = verbs.add_parser("remove", parents=[common], help="forget a name; the folder stays")
    remove.add_argument("name")
    get = verbs.add_parser("get", parents=[common], help="fetch weights from the Hugging Face hub")
    get.add_argument("model", help="Wan2.1-I2V-14B-480P, one of docs/models.md, or OWNER/NAME")
    get.add_argument("--to", type=Path, metavar="DIR", help="parent folder (default: the data folder)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns 0; or 2 for bad input, 4 for a failed fetch, 130 when stopped, said on stderr."""
    options = _parser().parse_args(arguments)
    catalogue = Catalogue(options.data_dir)
    try:
        entries = _run(options, catalogue)
    except MaskEditError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, InputError) else 4
    except KeyboardInterrupt:
        print("Stopped: ask again, what has arrived is kept.", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps({"models": [asdict(entry) for entry in entries]}, default=str))
    else:
        print("\n".join(map(_describe, entries)))
    return 2 if options.verb == "check" and entries[0].problems else 0


def _run(options: argparse.Namespace, catalogue: Catalogue) -> tuple[ModelEntry, ...]:
    match options.verb:
        case "check":
            return (catalogue.find(options.model),)
        case "add":
            return (catalogue.add(options.directory, name=options.name),)
        case "remove":
            catalogue.remove(options.name)
        case "get":
            # Imported here: the hub client costs a second, and only this verb uses it.
            from maskedit.model_fetch import fetch_model

            return (catalogue.add(fetch_model(options.model, options.to or catalogue.data_dir / "models", say=_say)),)
    return catalogue.list()


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
