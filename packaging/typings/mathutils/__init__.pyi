# SPDX-License-Identifier: GPL-3.0-or-later
# Blender writes its own modules when it starts: nothing is known of them here.
from typing import Any

def __getattr__(name: str) -> Any: ...
