# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: the server, the image editor, memory for frames, saving."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from plugin_client.core.connection import checked_endpoint
from plugin_client.core.errors import BadInput
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme

_MIB = 1 << 20


class SettingsDialog(QDialog):
    """Takes effect with OK. `show_models`: the models page is asked for."""

    show_models = pyqtSignal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._desk = desk
        kept = desk.preferences
        self.server = QLineEdit(kept.server)
        self.server.setPlaceholderText("This machine: found, or started when needed")
        self.server.setToolTip("HOST:PORT of a server elsewhere; empty for the one on this machine")
        self.token = QLineEdit(kept.token)
        self.token.setPlaceholderText("Only for a server elsewhere")
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.certificate = QLineEdit(kept.certificate)
        self.certificate.setPlaceholderText("Only if the server has one of its own")
        self.client_certificate = QLineEdit(kept.client_certificate)
        self.client_certificate.setPlaceholderText("Only for a server that asks who you are")
        self.client_key = QLineEdit(kept.client_key)
        self.client_key.setPlaceholderText("Your certificate's key")
        self.editor = QLineEdit(kept.image_editor)
        self.editor.setPlaceholderText("The system's own choice")
        self.editor.setToolTip("The program that opens a frame to paint on: GIMP, Krita, Photoshop, Affinity …")
        self.cache = QSpinBox()
        self.cache.setMinimum(64)
        self.cache.setMaximum(65536)
        self.cache.setSingleStep(256)
        self.cache.setSuffix(" MiB")
        self.cache.setValue(kept.cache_bytes // _MIB)
        self.cache.setToolTip("Memory for decoded frames: more makes scrubbing smoother")
        clear = QPushButton("Clear now")
        clear.setToolTip("Drop all decoded frames; they are decoded again when they are looked at")
        clear.clicked.connect(desk.footage.clear)
        self.autosave = QCheckBox("Save the project by itself after every change")
        self.autosave.setChecked(kept.autosave)
        self.timeline_folder = QLineEdit(kept.timeline_folder)
        self.timeline_folder.setPlaceholderText("MaskEdit in your films")
        self.timeline_folder.setToolTip("Where projects and results of clips are kept that were chosen in Resolve")
        models = QPushButton("Models …")
        models.clicked.connect(self.show_models)
        self.error = QLabel()
        self.error.setWordWrap(True)
        self.error.setVisible(False)
        self.error.setStyleSheet(f"color: {theme.ERROR};")
        self.words = QLabel(desk.session.words)
        self.words.setWordWrap(True)
        self.words.setProperty("dim", True)
        desk.session.changed.connect(self._show_words)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[2 * theme.SPACE] * 4)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(
            _group(
                "Server",
                ("Address", self.server),
                ("Access token", self.token),
                ("Certificate", self._browsed(self.certificate)),
                ("Your certificate", self._browsed(self.client_certificate)),
                ("Its key", self._browsed(self.client_key)),
                ("", self.words),
                ("", _left(models)),
            )
        )
        column.addWidget(_group("Painting", ("Image editor", _with_browse(self.editor, self._choose_editor))))
        column.addWidget(_group("Footage", ("Memory for frames", _left(self.cache, clear))))
        chosen = _with_browse(self.timeline_folder, self._choose_timeline_folder)
        column.addWidget(_group("Saving", ("", self.autosave), ("Clips from a timeline", chosen)))
        column.addWidget(self.error)
        column.addWidget(buttons)
        self.setMinimumWidth(520)

    def accept(self) -> None:
        """Keep what was entered, unless the address cannot be one."""
        address = self.server.text().strip()
        try:
            if address:
                checked_endpoint(address)
        except BadInput as error:
            self.error.setText(str(error))
            self.error.setVisible(True)
            self.server.setFocus()
            return
        kept = self._desk.preferences
        for name, value in (
            ("token", self.token.text().strip()),
            ("certificate", self.certificate.text().strip()),
            ("client_certificate", self.client_certificate.text().strip()),
            ("client_key", self.client_key.text().strip()),
            ("server", address),
            ("image_editor", self.editor.text().strip()),
            ("cache_bytes", self.cache.value() * _MIB),
            ("autosave", self.autosave.isChecked()),
            ("timeline_folder", self.timeline_folder.text().strip()),
        ):
            if getattr(kept, name) != value:
                setattr(kept, name, value)
        super().accept()

    def _show_words(self) -> None:
        self.words.setText(self._desk.session.words)

    def event(self, event: QEvent | None) -> bool:
        """Leave room for words of several lines, of which layouts know only once their width is known."""
        handled = super().event(event)
        if event is not None and event.type() in (QEvent.Type.Show, QEvent.Type.LayoutRequest):
            column = self.layout()
            assert column is not None
            self.setMinimumHeight(max(self.minimumHeight(), column.totalHeightForWidth(self.width())))
        return handled

    def _browsed(self, field: QLineEdit) -> QWidget:
        """The field of a PEM file, with a button that looks for one."""

        def choose() -> None:
            path, _ = QFileDialog.getOpenFileName(
                self, "The file", "", "Certificates and keys (*.pem *.crt *.cer *.key)"
            )
            if path:
                field.setText(path)

        return _with_browse(field, choose)

    def _choose_timeline_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Where projects of clips from a timeline are kept")
        if path:
            self.timeline_folder.setText(path)

    def _choose_editor(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "The image editor's program")
        if path:
            self.editor.setText(path)


def _group(title: str, *rows: tuple[str, QWidget]) -> QGroupBox:
    group = QGroupBox(title)
    form = QFormLayout(group)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setHorizontalSpacing(2 * theme.SPACE)
    form.setVerticalSpacing(theme.SPACE)
    for label, widget in rows:
        form.addRow(label, widget)
    return group


def _left(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.SPACE)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch()
    return holder


def _with_browse(field: QLineEdit, browse: Callable[[], None]) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.SPACE)
    button = QPushButton("Choose …")
    button.clicked.connect(lambda: browse())
    row.addWidget(field, 1)
    row.addWidget(button)
    return holder
