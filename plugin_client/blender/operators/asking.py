# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators ask of their context, with a sentence where it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin_client.blender import versions, watching
from plugin_client.blender.subject import subject
from plugin_client.core.errors import BadInput

if TYPE_CHECKING:
    # Imported where they are used, by all operators: Blender's start-up does not wait for them.
    from plugin_client.blender.orders import StripShot


def has_strip(operator: Any, context: Any) -> bool:
    """For `poll`: whether the active strip can be edited as far as is known, which costs nothing to ask."""
    if subject(context) is None:
        operator.poll_message_set("Select a strip in the sequencer")
        return False
    problem = watching.shown(context).problem
    if problem:
        operator.poll_message_set(problem.removesuffix("."))
    return not problem


def scene_here(context: Any) -> Any:
    """The scene that the sequencer shows. Raises BadInput where there is none."""
    scene = versions.sequencer_scene(context)
    if scene is None:
        raise BadInput("The sequencer shows no scene: choose one in its header.")
    return scene


def shot_named(context: Any, name: str = "") -> tuple[Any, Any, StripShot]:
    """The scene, the strip of that name, "" = the active one, and what it shows. Raises BadInput with a sentence."""
    from plugin_client.blender.shots import shot_of

    scene = scene_here(context)
    strip = versions.strip_named(scene, name) if name else subject(context)
    if strip is None:
        raise BadInput(f"There is no strip {name!r} in {scene.name}." if name else "No strip is selected: select one.")
    return scene, strip, shot_of(scene, strip)


def refused(operator: Any, error: Exception) -> set[str]:
    """Tell the user why nothing was done; in a script this raises RuntimeError."""
    operator.report({"ERROR"}, str(error))
    return {"CANCELLED"}
