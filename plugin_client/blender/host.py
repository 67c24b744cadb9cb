# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's sequencer as a `core.host.Host`: the rooms of this add-on behind the calls that every host has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from plugin_client.blender import mattes, pictures, placing, shots, versions
from plugin_client.blender.orders import Spot, StripShot, spot_at
from plugin_client.blender.written import parse_matte
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks, PlacedResult, Prepared, Shot

if TYPE_CHECKING:
    from plugin_client.core.requests import MatteFile


class BlenderHost:
    """The Blender that this runs in. Shots are of the open file; a matte is chosen by `written.parse_matte`'s words."""

    @property
    def name(self) -> str:
        """Such as "Blender 4.5.15 LTS"."""
        return f"Blender {bpy.app.version_string}"

    def selected_shot(self) -> Shot:
        """The selected strip. Raises BadInput for nothing, several, and strips without pictures or retimed."""
        return shots.selected_shot(bpy.context).shot

    def prepare_clip(self, shot: Shot, folder: Path) -> Prepared[str]:
        """The strip's file, or the pictures of a scene or meta strip rendered into `folder`."""
        strip_shot = _strip_shot(shot)
        return pictures.prepare_clip(_scene(strip_shot.spot), strip_shot, folder)

    def prepare_matte(self, shot: Shot, choice: str, folder: Path) -> Prepared[MatteFile]:
        """The matte that `choice` names, such as "mask:Mask" or "!luma:Strip"."""
        strip_shot = _strip_shot(shot)
        return mattes.prepare_matte(_scene(strip_shot.spot), strip_shot, parse_matte(choice), folder)

    def prepare_picture(self, shot: Shot, frame: int, target: Path) -> Prepared[Path]:
        """Frame `frame` of the strip's media, without the strip's own adjustments and the scene's look."""
        strip_shot = _strip_shot(shot)
        return pictures.prepare_picture(_scene(strip_shot.spot), strip_shot, frame, target)

    def may_place(self) -> bool:
        """False while Blender renders or saves."""
        return placing.may_place()

    def put_result(self, media: str, shot: Shot, *, marks: Marks, has_alpha: bool) -> PlacedResult:
        """A strip on the first free channel above, which takes the place and look of the shot's own."""
        return placing.put_result(media, spot_at(shot.place), marks=marks, has_alpha=has_alpha)


def _scene(spot: Spot) -> bpy.types.Scene:
    scene = bpy.data.scenes.get(spot.scene)
    if scene is None:
        raise BadInput(f"The scene {spot.scene} is no longer in this file: select the strip again.")
    return scene


def _strip_shot(shot: Shot) -> StripShot:
    """What is known of the strip now, with the frames and the spot that were frozen in `shot`."""
    spot = spot_at(shot.place)
    scene = _scene(spot)
    strip = versions.strip_named(scene, spot.strip, spot.meta)
    if strip is None:
        raise BadInput(f"The strip {spot.strip} is no longer in {spot.scene}: select the strip again.")
    return replace(shots.shot_of(scene, strip), shot=shot, spot=spot)
