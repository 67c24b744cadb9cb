# SPDX-License-Identifier: GPL-3.0-or-later
# Blender reads properties from annotations that are calls.
# pyright: reportInvalidTypeForm=false
"""What is set once for the add-on: the server, where results go, and the image editor."""

from dataclasses import dataclass

import bpy


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """The add-on's preferences as plain values, which any thread may read.

    `server`: HOST:PORT or unix:PATH, "" = this machine's own. `command`: starts `maskedit`, "" = it is looked for.
    `folder`: of results, "" = beside the .blend. `image_editor`: a program, "" = the system's own.
    """

    server: str = ""
    token: str = ""
    certificate: str = ""
    client_certificate: str = ""
    client_key: str = ""
    command: str = ""
    auto_start: bool = True
    folder: str = ""
    image_editor: str = ""


class MaskEditPreferences(bpy.types.AddonPreferences):
    """Shown under Preferences › Add-ons. `bl_idname` is the package that Blender knows the add-on by."""

    bl_idname = __package__

    server: bpy.props.StringProperty(
        name="Server", description="HOST:PORT of a MaskEdit server elsewhere. Empty: the one on this machine"
    )
    token: bpy.props.StringProperty(
        name="Token", description="The access token of a server elsewhere", subtype="PASSWORD"
    )
    certificate: bpy.props.StringProperty(
        name="Certificate", description="The file of a server's own certificate, if it has one", subtype="FILE_PATH"
    )
    client_certificate: bpy.props.StringProperty(
        name="Your certificate",
        description="The file that says who you are, for a server that asks",
        subtype="FILE_PATH",
    )
    client_key: bpy.props.StringProperty(
        name="Its key", description="The file of your certificate's key", subtype="FILE_PATH"
    )
    command: bpy.props.StringProperty(
        name="MaskEdit",
        description="The program `maskedit` of this machine's MaskEdit. Empty: it is looked for",
        subtype="FILE_PATH",
    )
    auto_start: bpy.props.BoolProperty(
        name="Start the server when it is needed",
        description="Start this machine's MaskEdit server unless it runs already",
        default=True,
    )
    folder: bpy.props.StringProperty(
        name="Results", description="Where results are kept. Empty: in `maskedit` beside the .blend", subtype="DIR_PATH"
    )
    image_editor: bpy.props.StringProperty(
        name="Image editor",
        description="The program that opens exported frames. Empty: the one that the system opens pictures with",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """The page."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        here = layout.column(heading="Server")
        here.prop(self, "auto_start")
        here.prop(self, "command")
        elsewhere = layout.column()
        elsewhere.prop(self, "server")
        about = elsewhere.column()
        about.active = bool(self.server)
        about.prop(self, "token")
        for name in ("certificate", "client_certificate", "client_key"):
            about.prop(self, name)
        layout.separator()
        layout.prop(self, "folder")
        layout.prop(self, "image_editor")


def preferences(context: bpy.types.Context | None = None) -> Preferences:
    """The add-on's preferences now; the defaults where a script has registered it, not Blender as an add-on."""
    addon = (context or bpy.context).preferences.addons.get(MaskEditPreferences.bl_idname)
    if addon is None or addon.preferences is None:
        return Preferences()
    fields = Preferences.__dataclass_fields__
    return Preferences(**{name: getattr(addon.preferences, name) for name in fields})


CLASSES = (MaskEditPreferences,)
