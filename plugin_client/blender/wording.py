# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors and findings of core and server in the add-on's words: they name its controls, never options."""

from __future__ import annotations

from plugin_client.core.wording import Wording

_WORDING = Wording(
    controls={
        "frames": "the strip's own start and end",
        "keyframe": "a painted frame",
        "matte": "a matte",
        "model": "another Model",
        "out": "another folder for results",
    },
    others="the panel",
    settings="the add-on's preferences",
    again="choose Try Again",
    defect="Something went wrong inside the add-on: the system console says what.",
)

in_words = _WORDING.in_words
plain = _WORDING.plain
