# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on switched on and off, its preferences, and the settings that lie on strips."""

from __future__ import annotations

import bpy
import pytest
from making import numbered_clip

from plugin_client.blender import addon, preferences, settings, versions
from plugin_client.blender.orders import MatteChoice, PaintedFrame


@pytest.fixture
def switched_on():
    addon.register("maskedit")
    entry = bpy.context.preferences.addons.new()
    entry.module = "maskedit"
    yield entry.preferences
    bpy.context.preferences.addons.remove(entry)
    addon.unregister()


@pytest.fixture
def strip(switched_on, scene, tmp_path):
    clip = numbered_clip(tmp_path / "plate.mov", 6)
    return versions.new_movie(versions.top_strips(scene), str(clip), name="plate", channel=1, frame=1)


def _traces():
    handlers = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
    return {
        "classes": sorted(name for name in dir(bpy.types) if "maskedit" in name.lower()),
        "operators": [name for name in ("submit", "cancel", "export_frame") if _is_operator(name)],
        "properties": [hasattr(versions.StripType, "maskedit_edit"), hasattr(bpy.types.WindowManager, "maskedit")],
        "handlers": [handler for handlers in handlers if isinstance(handlers, list) for handler in handlers],
    }


def _is_operator(name):
    try:
        getattr(bpy.ops.maskedit, name).get_rna_type()
    except KeyError:
        return False
    return True


def test_switching_it_off_leaves_nothing_however_often():
    before = _traces()
    for _ in range(2):
        addon.register("maskedit")
        during = _traces()
        assert len(during["operators"]) == 3 and all(during["properties"])
        assert len(during["handlers"]) > len(before["handlers"])
        addon.unregister()
        assert _traces() == before


def test_timers_live_through_another_file_and_end_with_the_add_on():
    from plugin_client.blender import ticking, watching

    timers = (watching._tick, ticking._tick)
    addon.register("maskedit")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert all(map(bpy.app.timers.is_registered, timers))
    addon.unregister()
    assert not any(map(bpy.app.timers.is_registered, timers))


def test_preferences_are_plain_values(switched_on):
    switched_on.server, switched_on.auto_start = "cutting-room:7777", False
    said = preferences.preferences()
    assert (said.server, said.auto_start, said.folder) == ("cutting-room:7777", False, "")


def test_a_script_without_preferences_gets_the_defaults():
    assert preferences.preferences() == preferences.Preferences()


def test_a_fresh_strip_has_a_mask_as_matte_and_no_pictures(strip):
    edit = settings.edit_of(strip)
    assert settings.matte_choice(edit) == MatteChoice(kind="mask", name="")
    assert settings.painted_frames(edit) == ()
    assert (edit.preset, edit.deliver, edit.seed, edit.grow_px) == ("standard", "patch", 0, -1)


@pytest.mark.parametrize(
    ("kind", "field", "name"),
    [
        ("mask", "matte_mask", "Hat"),
        ("mask_strip", "matte_strip", "Hat strip"),
        ("luma", "matte_strip", "Key"),
        ("alpha", "matte_strip", "Title"),
        ("file", "matte_file", "/roto.json"),
    ],
)
def test_each_kind_of_matte_has_a_name_of_its_own(strip, kind, field, name):
    edit = settings.edit_of(strip)
    edit.matte_kind, edit.invert = kind, True
    setattr(edit, field, name)
    assert settings.matte_choice(edit) == MatteChoice(kind=kind, name=name, invert=True)


def test_settings_are_restored_from_an_order(strip):
    edit = settings.edit_of(strip)
    edit.feather_px = 7
    edit.keyframes.add().path = "/old.png"
    kept = {
        "matte": MatteChoice(kind="luma", name="Key", invert=True),
        "keyframes": (PaintedFrame(frame=2, path="/a.png"), PaintedFrame(frame=5, path="/b.png")),
        "prompt": "a red hat",
        "preset": "best",
        "model": "",
        "seed": 17,
        "deliver": "full",
        "settings": {"grow_px": 3},
    }
    settings.restore(edit, kept)
    assert settings.matte_choice(edit) == kept["matte"]
    assert settings.painted_frames(edit) == kept["keyframes"]
    assert (edit.prompt, edit.preset, edit.seed, edit.deliver) == ("a red hat", "best", 17, "full")
    assert (edit.grow_px, edit.feather_px) == (3, -1)


def test_settings_are_saved_and_copied_with_the_strip(strip, scene, tmp_path):
    edit = settings.edit_of(strip)
    edit.prompt, edit.matte_mask = "a red hat", "Hat"
    edit.keyframes.add().path = "/a.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "cut.blend"))
    again = settings.edit_of(versions.strip_named(bpy.context.scene, "plate"))
    assert (again.prompt, again.matte_mask, again.keyframes[0].path) == ("a red hat", "Hat", "/a.png")
