# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Blender that knows nothing yet: `python fresh_blender.py VERB [ARGUMENT …]`, facts as JSON on the last line.

Nothing but the zip may bring MaskEdit, gRPC or protobuf into this process.
"""

import gc
import importlib
import json
import os
import pkgutil
import sys
import time
import traceback

began = time.perf_counter()
import bpy  # noqa: E402

FACTORY_SECONDS = time.perf_counter() - began
import addon_utils  # noqa: E402

NAME = "bl_ext.user_default.maskedit"
OURS = ("plugin_client", "bridge_api", "grpc", "google")


def loaded() -> list[str]:
    """Our packages, as far as they are imported."""
    return sorted({name.split(".")[0] for name in sys.modules} & set(OURS))


def registered(kind: type) -> list[str]:
    """Names of our registered classes of one of Blender's kinds, however deep."""
    names = [name for known in kind.__subclasses__() for name in registered(known)]
    ours = kind.__module__.startswith("plugin_client") and kind.is_registered
    return [*names, kind.__name__] if ours else names


TIMERS = []


def watch_timers() -> None:
    """Remember what is given to Blender's timers: they cannot be listed."""
    register = bpy.app.timers.register

    def remember(function, *arguments, **options):
        TIMERS.append(function)
        return register(function, *arguments, **options)

    bpy.app.timers.register = remember


def traces() -> dict:
    """What an add-on can leave behind in a running Blender."""
    handlers = bpy.app.handlers
    owners = [
        getattr(bpy.types, name) for name in ("Scene", "Strip", "Sequence", "WindowManager") if name in dir(bpy.types)
    ]
    kinds = ("AddonPreferences", "Gizmo", "GizmoGroup", "Header", "KeyingSetInfo", "Menu", "Operator", "Panel")
    return {
        "handlers": {name: len(found) for name in dir(handlers) if isinstance(found := getattr(handlers, name), list)},
        "classes": [
            name for kind in (*kinds, "PropertyGroup", "UIList") for name in registered(getattr(bpy.types, kind))
        ],
        "properties": [name for owner in owners for name in dir(owner) if "maskedit" in name.lower()],
        "operators": dir(bpy.ops.maskedit),
        "keys": sum(len(keymap.keymap_items) for keymap in bpy.context.window_manager.keyconfigs.addon.keymaps),
        "timers": sum(bpy.app.timers.is_registered(function) for function in TIMERS),
    }


def enable() -> float:
    """Switch the installed extension on; returns the seconds that it took."""
    start = time.perf_counter()
    assert addon_utils.enable(NAME) is not None
    return time.perf_counter() - start


def install_file(path: str) -> None:
    done = bpy.ops.extensions.package_install_files(filepath=path, repo="user_default", enable_on_install=True)
    assert done == {"FINISHED"}


def install(path: str) -> dict:
    """Install the zip as a person does; what that has brought."""
    install_file(path)
    after_register = loaded()
    import google.protobuf
    import grpc

    import plugin_client

    return {
        "addons": [addon.module for addon in bpy.context.preferences.addons if "maskedit" in addon.module],
        "after_register": after_register,
        "files": {module.__name__: module.__file__ for module in (plugin_client, grpc, google.protobuf)},
        "versions": {"grpcio": grpc.__version__, "protobuf": google.protobuf.__version__},
        "extensions": bpy.utils.user_resource("EXTENSIONS"),
    }


def use(path: str) -> dict:
    """Install the zip and import every module of the client."""
    install_file(path)
    import plugin_client

    names = [module.name for module in pkgutil.walk_packages(plugin_client.__path__, "plugin_client.")]
    return {"imported": [importlib.import_module(name).__name__ for name in names]}


def start() -> dict:
    """A start of Blender, and what the installed extension adds to it."""
    # Blender's own start leaves its heap due for collection: whoever comes next must not be charged for that.
    gc.collect()
    seconds = enable()
    return {"factory": FACTORY_SECONDS, "maskedit": seconds, "loaded": loaded()}


def take_off() -> dict:
    """On, off, on and off again; then remove the extension."""
    watch_timers()
    before = traces()
    enable()
    on = traces()
    addon_utils.disable(NAME)
    off = traces()
    enable()
    addon_utils.disable(NAME)
    after = loaded()
    repos = [repo.module for repo in bpy.context.preferences.extensions.repos]
    done = bpy.ops.extensions.package_uninstall(repo_index=repos.index("user_default"), pkg_id="maskedit")
    return {"before": before, "on": on, "off": off, "loaded": after, "uninstalled": done == {"FINISHED"}}


def update(path: str, newer: str) -> dict:
    """Install one version, then the next over it, in the same process."""
    from importlib.metadata import version

    install_file(path)
    first = version("maskedit_client")
    install_file(newer)
    import plugin_client

    return {"first": first, "second": version("maskedit_client"), "doc": plugin_client.__doc__, "loaded": loaded()}


def legacy(path: str) -> dict:
    """The zip for older Blenders: install it, switch it on, off; the error where Blender refuses."""
    bpy.ops.preferences.addon_install(filepath=path, overwrite=True)
    paths = list(sys.path)
    try:
        bpy.ops.preferences.addon_enable(module="maskedit_blender")
    except RuntimeError as error:
        return {"error": str(error).strip().splitlines()[-1], "loaded": loaded()}
    after_register = loaded()
    import grpc

    from bridge_api import v1  # noqa: F401
    from plugin_client.core import connection

    bpy.ops.preferences.addon_disable(module="maskedit_blender")
    files = [grpc.__file__, connection.__file__]
    return {"after_register": after_register, "files": files, "paths_restored": paths == sys.path, "loaded": loaded()}


verb, *arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
verbs = {known.__name__: known for known in (install, use, start, take_off, update, legacy)}
status = 1
try:
    print(json.dumps(verbs[verb](*arguments)), flush=True)
    status = 0
except Exception:
    traceback.print_exc()
finally:
    # Some versions crash or hang while they end.
    sys.stderr.flush()
    os._exit(status)
