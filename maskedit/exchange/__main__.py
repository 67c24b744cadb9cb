# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m maskedit.exchange`: one conversion in a process of its own.

On stdin one JSON object: {"file", "out", "data_dir", "model", "expert", "name"} to import, {"file", "out", "format",
"expert"} to export. On stdout {"ok": true} or {"ok": false, "error": sentence}; the exit status is 0 either way.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from maskedit.catalogue import Catalogue
from maskedit.errors import MaskEditError, in_one_line
from maskedit.exchange import export_adapter, import_adapter
from maskedit.exhaustion import disk_ran_out, full_disk
from maskedit.request import AdapterFormat


def main() -> None:
    asked = json.load(sys.stdin)
    file, out = Path(asked["file"]), Path(asked["out"])
    try:
        if "format" in asked:
            export_adapter(file, out, form=AdapterFormat(asked["format"]), expert=asked["expert"])
        else:
            model = Catalogue(Path(asked["data_dir"])).find(asked["model"])
            import_adapter(file, out, model=model, expert=asked["expert"], name=asked["name"])
    except MaskEditError as error:
        print(json.dumps({"ok": False, "error": in_one_line(error)}))
    except OSError as error:
        if not disk_ran_out(error):
            raise
        # Again as large as what came, at least.
        sentence = f"{full_disk(out.parent, needed_bytes=file.stat().st_size)}: free some space there, then try again."
        print(json.dumps({"ok": False, "error": sentence}))
    else:
        print(json.dumps({"ok": True}))


if __name__ == "__main__":
    main()
