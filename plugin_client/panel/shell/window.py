# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's window: the panes where an editor looks for them, and what holds for all of them."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import Qt, QTimer, QUrl
from PyQt6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QMessageBox, QStackedWidget, QVBoxLayout, QWidget

from maskedit.errors import OutputError
from plugin_client.panel.hosting.mattes import TimelineMattes
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.working import in_background
from plugin_client.panel.shell import diagnostics
from plugin_client.panel.shell.menus import EditMenu, FileMenu, add_action, add_pane_menu
from plugin_client.panel.shell.models_page import ModelsPage
from plugin_client.panel.shell.notice_bar import NoticeBar
from plugin_client.panel.shell.projects import Projects
from plugin_client.panel.shell.rooms import build_rooms, centre_of, tabs_of
from plugin_client.panel.shell.settings_dialog import SettingsDialog
from plugin_client.panel.shell.shortcuts_page import ShortcutsPage
from plugin_client.panel.shell.status_line import StatusLine
from plugin_client.panel.shell.welcome import SampleCard, StartPage
from plugin_client.panel.storing.autosave import Autosave

_SIZE = (1600, 960)
_SIDE, _OTHER_SIDE = 340, 260


class MainWindow(QMainWindow):
    """Viewer and strips in the middle; matte, keyframes and run to the right; takes and queue to the left."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.autosave = Autosave(desk, self)
        self.projects = Projects(desk, self.autosave, self)
        self._leaving = False
        self.setAcceptDrops(True)
        self.resize(*_SIZE)

        self.rooms = build_rooms(desk)
        self.notices = NoticeBar(desk.notices)
        self.card = SampleCard(desk)
        self.start = StartPage(desk)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start)
        self.pages.addWidget(centre_of(self.rooms))
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notices)
        column.addWidget(self.card)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(middle)

        rooms = self.rooms
        self.tabs = tabs_of(rooms)
        self.work = self._dock("Edit", self.tabs, Qt.DockWidgetArea.RightDockWidgetArea)
        self.takes = self._dock("Takes", rooms.takes, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.queue = self._dock("Queue", rooms.queue, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.resizeDocks([self.work, self.takes], [_SIDE, _OTHER_SIDE], Qt.Orientation.Horizontal)
        self.resizeDocks([self.takes, self.queue], [600, 240], Qt.Orientation.Vertical)

        self.status = StatusLine(desk)
        bar = self.statusBar()
        assert bar is not None
        bar.setSizeGripEnabled(False)
        bar.addWidget(self.status, 1)
        self._add_menus()
        self._connect()
        geometry, layout = desk.preferences.window
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
            self.restoreState(layout)
        self._show_project()

    # What the menus and the panes ask for.

    def show_settings(self) -> SettingsDialog:
        """The settings, on top of the window."""
        dialog = SettingsDialog(self.desk, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show_models.connect(self.show_models)
        dialog.open()
        return dialog

    def show_models(self) -> ModelsPage:
        """The models page, beside the window."""
        page = ModelsPage(self.desk, self)
        page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        page.show()
        return page

    def show_shortcuts(self) -> ShortcutsPage:
        """Every shortcut on one page."""
        page = ShortcutsPage(self)
        page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        page.show()
        return page

    def collect_diagnostics(self) -> None:
        """Gather what helps to mend a defect, and say where it is."""
        desk = self.desk
        session, system = desk.session.words, desk.session.system
        settings = diagnostics.harmless_settings(desk.preferences)
        document = desk.project.document
        project = {
            "clip": desk.project.facts,
            "shapes": len(document.shapes),
            "strokes": len(document.strokes),
            "mattes": len(document.mattes),
            "keyframes": [keyframe.frame for keyframe in document.keyframes],
            "takes": [f"{take.name}: {take.state} {take.error}".strip() for take in desk.takes.takes],
        }

        def done(path: Path) -> None:
            desk.notices.say(
                f"The diagnostics are in {path}: they hold no pictures and no token.",
                severity="warning",
                action="Show in folder",
                do=lambda: self._reveal(path),
            )

        in_background(
            lambda: diagnostics.collect(preferences=settings, session=session, system=system, project=project),
            owner=self,
            done=done,
            failed=lambda error: desk.notices.say(str(error), severity="error"),
        )

    def tell_defect(self) -> None:
        """Something happened that nobody expected."""
        self.desk.notices.say(
            "Something went wrong inside the panel; your project is kept. Go on, and send us the diagnostics.",
            severity="error",
            action="Collect diagnostics",
            do=self.collect_diagnostics,
        )

    # The window as it is made.

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title)
        dock.setObjectName(title)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def _add_menus(self) -> None:
        bar, rooms, desk = self.menuBar(), self.rooms, self.desk
        assert bar is not None
        FileMenu(bar, desk, self.projects, quit_window=self.close)
        EditMenu(bar, desk, show_settings=self.show_settings)
        viewing = rooms.viewer.commands
        add_pane_menu(bar, "&Play", viewing.play.values(), viewing.range.values())
        view = add_pane_menu(bar, "&View", viewing.view.values(), viewing.matte.values(), viewing.compare.values())
        flip = view.addMenu("&Flip to Take")
        assert flip is not None
        flip.addActions(viewing.takes)
        add_pane_menu(bar, "&Roto", rooms.roto.actions(), rooms.dope_sheet.actions())
        matte = add_pane_menu(bar, "&Matte", rooms.mattes.actions())
        if desk.timeline is not None:
            matte.addSeparator()
            add_pane_menu(matte, "From the &Timeline", TimelineMattes(desk, desk.timeline, self).actions)
        add_pane_menu(bar, "&Keyframe", rooms.keyframes.actions())
        run = add_pane_menu(bar, "R&un", rooms.run.actions(), rooms.takes.verbs.values())
        run.addSeparator()
        queue = run.addMenu("&Queue")
        assert queue is not None
        rooms.queue.fill(queue)
        window = bar.addMenu("&Window")
        assert window is not None
        for dock in (self.work, self.takes, self.queue):
            window.addAction(dock.toggleViewAction())
        window.addSeparator()
        add_action(window, "&Full Screen", self._toggle_full_screen, "F11")
        helps = bar.addMenu("&Help")
        assert helps is not None
        add_action(helps, "&Shortcuts", self.show_shortcuts, ("F1", "?"))
        add_action(helps, "&Models …", self.show_models)
        add_action(helps, "&Collect Diagnostics", self.collect_diagnostics)
        add_action(helps, "&About MaskEdit", self._show_about)

    def _connect(self) -> None:
        desk, projects = self.desk, self.projects
        for signal in (desk.project.opened, desk.project.folder_changed, desk.project.dirty_changed):
            signal.connect(self._show_project)
        projects.busy.connect(self.status.say_busy)
        self.start.open_clip.connect(projects.choose_clip)
        self.start.open_project.connect(projects.choose_project)
        self.start.open_sample.connect(projects.open_sample)
        self.start.chosen.connect(lambda path: projects.open(Path(path)))
        self.card.open_clip.connect(projects.choose_clip)
        self.card.show_models.connect(self.show_models)
        self.card.started.connect(lambda: self.tabs.setCurrentWidget(self.rooms.run))

    def _show_project(self) -> None:
        is_open = bool(self.desk.project.document.clip)
        self.pages.setCurrentIndex(int(is_open))
        where = self.desk.timeline.where if self.desk.timeline is not None else ""
        title = f"{self.projects.name}[*] – {where} – MaskEdit" if where else f"{self.projects.name}[*] – MaskEdit"
        self.setWindowTitle(title if is_open else "MaskEdit")
        self.setWindowModified(is_open and self.projects.unsaved)
        for dock in (self.work, self.takes, self.queue):
            dock.setEnabled(is_open)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _show_about(self) -> None:
        version = diagnostics.versions()["maskedit"]
        QMessageBox.about(
            self, "About MaskEdit", f"MaskEdit {version}\n\nFree software under the GPL 3.0 or later, without warranty."
        )

    def _reveal(self, path: Path) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

    # What the system tells the window.

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take clips and projects."""
        if event is not None and (path := _dropped(event)) is not None and self.projects.accepts(path):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open what was dropped."""
        if event is not None and (path := _dropped(event)) is not None:
            event.acceptProposedAction()
            self.projects.open(path)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Ask once about what is not saved, keep the layout, and leave the server and its jobs running."""
        assert event is not None
        if not self._leaving:
            event.ignore()
            self.projects.leave(self._leave)
            return
        self.desk.preferences.window = (self.saveGeometry(), self.saveState())
        event.accept()

    def _leave(self) -> None:
        self._leaving = True
        try:
            if self.desk.project.folder is not None:
                self.autosave.save_now()
        except OutputError as error:
            self._leaving = False
            self.desk.notices.say(f"Not saved: {error}", severity="error")
            return
        # Gives back the private folder of a project that was never saved.
        self.desk.project.replace(Document(), None)
        self.desk.takes.replace(())
        # Qt refuses to close a window from within its own closing.
        QTimer.singleShot(0, self.close)


def _dropped(event: QDropEvent) -> Path | None:
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    return Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None
