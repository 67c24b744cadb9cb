# SPDX-License-Identifier: GPL-3.0-or-later
"""MaskEdit in Blender: the zip's `__init__.py`. All the rest is in the wheels that the zip brings along."""

import sys


def register():
    from plugin_client.blender import addon

    addon.register(__package__ or "")


def unregister():
    from plugin_client.blender import addon

    addon.unregister()
    # The next version must not meet the modules of this one: an update takes effect without a restart.
    for name in [name for name in sys.modules if name.split(".")[0] == "plugin_client"]:
        del sys.modules[name]
