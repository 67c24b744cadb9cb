# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors and findings of core and server in the panel's words: they name its controls, never options (no Qt)."""

from __future__ import annotations

from plugin_client.core.wording import Wording

_CONTROLS = {
    "adapter": "the adapter in Advanced settings",
    "colour": "Source colour in Advanced settings",
    "fit-keyframes": "Fit keyframes to the clip in Advanced settings",
    "frames": "the in and out points",
    "keyframe": "a keyframe",
    "keyframes-as-given": "Keyframes as given in Advanced settings",
    "matte": "a matte",
    "model": "another Model",
    "out": "another place",
    "take-changes": "Take changes outside the matte in Advanced settings",
}
_WORDING = Wording(
    controls=_CONTROLS,
    others="Advanced settings",
    settings="the settings",
    again="choose Fetch again on the take",
    defect="Something went wrong inside the panel: Help › Collect diagnostics gathers what is known about it.",
)

in_words = _WORDING.in_words
plain = _WORDING.plain
