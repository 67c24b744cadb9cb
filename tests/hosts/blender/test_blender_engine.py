# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine costs a starting Blender: next to nothing, and no gRPC."""

from __future__ import annotations

import json

IMPORTS = """
import json, sys, time
import bpy
began = time.perf_counter()
from plugin_client.blender import engine, ticking
imported = time.perf_counter()
ticking.begin()
begun = time.perf_counter()
engine.engine()
first = time.perf_counter()
for _ in range(2000):
    engine.engine().drain()
drained = time.perf_counter()
engine.engine().session.keep_alive()
heavy = [name for name in sys.modules if name.split(".")[0] in ("grpc", "google", "bridge_api")]
ticking.end()
print("SAID", json.dumps({
    "import": imported - began, "begin": begun - imported, "first": first - begun, "drain": (drained - first) / 2000,
    "heavy": heavy,
}))
sys.stdout.flush()
import os
os._exit(0)
"""


def test_it_is_imported_without_grpc_and_idles_for_nothing(blender, tmp_path):
    ran = blender.run("-c", IMPORTS, MASKEDIT_DATA_DIR=str(tmp_path))
    said = json.loads(next(line for line in ran.stdout.splitlines() if line.startswith("SAID"))[5:])
    print(f"{blender.version}: { ({name: f'{1e3 * said[name]:.3f} ms' for name in said if name != 'heavy'}) }")
    assert said["heavy"] == []
    assert said["import"] < 0.05 and said["begin"] < 0.01 and said["drain"] < 0.0005
