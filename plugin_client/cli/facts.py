# SPDX-License-Identifier: GPL-3.0-or-later
"""What a media file is, read in a process of its own: the client itself decodes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction

from plugin_client.core.errors import BadInput

_PROBE = """
import json, sys
from maskedit.errors import MaskEditError
from maskedit.media import probe
try:
    facts = probe(sys.argv[1])
    said = {"frames": facts.frame_count, "rate": str(facts.rate), "start": facts.start_timecode}
    print(json.dumps(said | {"width": facts.width, "height": facts.height}))
except MaskEditError as error:
    print(json.dumps({"error": str(error)}))
"""


@dataclass(frozen=True, kw_only=True)
class ClipFacts:
    """`start_timecode`: the first frame's label, "" without one."""

    frames: int
    rate: Fraction
    width: int
    height: int
    start_timecode: str


def clip_facts(clip: str) -> ClipFacts | None:
    """The facts of a file or sequence, None where this installation has nothing to read media with.

    Raises BadInput where the file cannot be used.
    """
    answer = subprocess.run([sys.executable, "-P", "-c", _PROBE, clip], capture_output=True, text=True, check=False)
    try:
        facts = json.loads(answer.stdout)
    except ValueError:
        return None
    if "error" in facts:
        raise BadInput(facts["error"])
    return ClipFacts(
        frames=facts["frames"],
        rate=Fraction(facts["rate"]),
        width=facts["width"],
        height=facts["height"],
        start_timecode=facts["start"],
    )
