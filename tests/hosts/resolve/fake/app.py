# SPDX-License-Identifier: GPL-3.0-or-later
"""A DaVinci Resolve for tests: its scripting API with state behind it, and the traps that real scripts fall into.

    fake = FakeResolve(version="21.0", edition="free")
    resolve = fake.scriptapp("Resolve", from_menu=True)

A version decides which names exist, an edition which calls open a modal window. `fake.fail("Timeline.AddTrack")` makes
a call fail, `fake.calls` lists what a script called, `fake.misuses` what Resolve would have swallowed in silence.
"""

from __future__ import annotations

import types
from typing import Any

from tests.hosts.resolve.fake.calls import BlocksForever, Door, Handle
from tests.hosts.resolve.fake.names import version_key
from tests.hosts.resolve.fake.project import Project, ProjectFile

PAGES = ("media", "cut", "edit", "fusion", "color", "fairlight", "deliver")
UNTITLED = "Untitled Project"


class FakeResolve:
    """The application. `overlap`: what an append over another clip does, "drop" or "slide". `takes`: what becomes of an
    item's length when a take is selected, "keep" or "ripple".
    """

    def __init__(
        self, *, version: str = "21.0", edition: str = "studio", overlap: str = "drop", takes: str = "keep"
    ) -> None:
        self.version = version
        self.is_free = edition == "free"
        self.overlap, self.takes = overlap, takes
        self.page = "edit"
        self.projects = [ProjectFile(UNTITLED)]
        self.project: ProjectFile | None = self.projects[0]
        self.door = Door(self)

    def scriptapp(self, name: str, *, from_menu: bool = True) -> Any:
        """What `DaVinciResolveScript.scriptapp` returns: None to a script outside of the free edition."""
        if name != "Resolve" or (self.is_free and not from_menu):
            return None
        return Handle(self.door, Resolve(self))

    def module(self, *, from_menu: bool = False) -> types.ModuleType:
        """A `DaVinciResolveScript` to put into `sys.modules`."""
        module = types.ModuleType("DaVinciResolveScript")
        module.scriptapp = lambda name: self.scriptapp(name, from_menu=from_menu)  # type: ignore[attr-defined]
        return module

    def fail(self, call: str, nth: int = 1) -> None:
        """See `Door.fail`."""
        self.door.fail(call, nth)

    def delay(self, call: str, seconds: float) -> None:
        """See `Door.delay`."""
        self.door.delay(call, seconds)

    @property
    def calls(self) -> list[str]:
        return self.door.calls

    @property
    def misuses(self) -> list[str]:
        return self.door.misuses

    @property
    def modal(self) -> str:
        """What the modal window says that keeps every call from working; "" if there is none."""
        return self.door.modal

    def close_modal(self) -> None:
        self.door.modal = ""


class Resolve:
    is_played = True

    def __init__(self, app: FakeResolve) -> None:
        self.app = app

    def GetProductName(self) -> str:
        return "DaVinci Resolve" if self.app.is_free else "DaVinci Resolve Studio"

    def GetVersion(self) -> list[Any]:
        numbers = [*version_key(self.app.version), 0, 0]
        return [*numbers[:3], 7, ""]

    def GetVersionString(self) -> str:
        return ".".join(str(part) for part in [*version_key(self.app.version), 0, 0][:3]) + ".7"

    def GetProjectManager(self) -> Any:
        return ProjectManager(self.app)

    def GetCurrentPage(self) -> str:
        return self.app.page

    def OpenPage(self, pageName: str) -> bool:
        if pageName not in PAGES:
            return False
        self.app.page = pageName
        return True

    def Fusion(self) -> Any:
        return Fusion(self.app)


class Fusion:
    is_played = True

    def __init__(self, app: FakeResolve) -> None:
        self.app = app

    @property
    def constants(self) -> dict[str, Any]:
        """The window toolkit: since 19.1 it is Studio's alone."""
        gone = self.app.is_free and version_key(self.app.version) >= (19, 1)
        return {"UIManager": None if gone else "UIManager"}

    def GetVersion(self) -> str:
        return self.app.version


class ProjectManager:
    is_played = True

    def __init__(self, app: FakeResolve) -> None:
        self.app = app

    def _find(self, name: str) -> ProjectFile | None:
        return next((file for file in self.app.projects if file.name == name), None)

    def GetCurrentProject(self) -> Any:
        return Project(self.app, self.app.project) if self.app.project else None

    def GetProjectListInCurrentFolder(self) -> list[str]:
        return [file.name for file in self.app.projects]

    def CreateProject(self, projectName: str, mediaLocationPath: str = "") -> Any:
        """None for a name that is taken; the new project is open."""
        if self._find(projectName):
            return None
        self.app.project = ProjectFile(projectName)
        self.app.projects.append(self.app.project)
        return Project(self.app, self.app.project)

    def LoadProject(self, projectName: str) -> Any:
        found = self._find(projectName)
        if found is None:
            return None
        self.app.project = found
        return Project(self.app, found)

    def DeleteProject(self, projectName: str) -> bool:
        """Not the one that is open."""
        found = self._find(projectName)
        if found is None or found is self.app.project:
            return False
        self.app.projects.remove(found)
        return True

    def CloseProject(self, project: Any) -> bool:
        if not isinstance(project, Project) or project.file is not self.app.project:
            return False
        self.app.project = None
        return True

    def SaveProject(self) -> bool:
        """A project that was never saved opens a dialog for its name, and the call waits for it."""
        if self.app.project is None:
            return False
        if self.app.project.name == UNTITLED:
            raise BlocksForever("SaveProject on a project without a name waits for a dialog that nobody sees.")
        self.app.project.saves += 1
        return True
