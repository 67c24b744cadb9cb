# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel remembers of its user between projects."""

from __future__ import annotations

from PyQt6.QtCore import QByteArray, QObject, QSettings, pyqtSignal

_MIB = 1 << 20
_MOST_RECENT = 10


class Preferences(QObject):
    """Typed over QSettings, each property kept at once. `changed(name)` after each."""

    changed = pyqtSignal(str)

    def __init__(self, settings: QSettings | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings or QSettings("MaskEdit", "MaskEdit")

    @property
    def server(self) -> str:
        """HOST:PORT or unix:PATH; "" = the one on this machine, started when needed."""
        return self._text("server")

    @server.setter
    def server(self, address: str) -> None:
        self._keep("server", address)

    @property
    def token(self) -> str:
        """For a server elsewhere; local clients find the token by themselves."""
        return self._text("token")

    @token.setter
    def token(self, token: str) -> None:
        self._keep("token", token)

    @property
    def certificate(self) -> str:
        """The certificate file to trust, for a server elsewhere."""
        return self._text("certificate")

    @certificate.setter
    def certificate(self, path: str) -> None:
        self._keep("certificate", path)

    @property
    def client_certificate(self) -> str:
        """The certificate file that says who this panel is, for a server that asks."""
        return self._text("client_certificate")

    @client_certificate.setter
    def client_certificate(self, path: str) -> None:
        self._keep("client_certificate", path)

    @property
    def client_key(self) -> str:
        """The file of that certificate's key."""
        return self._text("client_key")

    @client_key.setter
    def client_key(self, path: str) -> None:
        self._keep("client_key", path)

    @property
    def image_editor(self) -> str:
        """The program that opens pictures to paint on; "" = the system's own choice."""
        return self._text("image_editor")

    @image_editor.setter
    def image_editor(self, program: str) -> None:
        self._keep("image_editor", program)

    @property
    def cache_bytes(self) -> int:
        """How much memory decoded frames may take."""
        return int(self._settings.value("cache_mib", 1024, type=int)) * _MIB

    @cache_bytes.setter
    def cache_bytes(self, count: int) -> None:
        self._keep("cache_mib", max(64, count // _MIB))

    @property
    def autosave(self) -> bool:
        """Whether a saved project is saved again by itself after every change."""
        return bool(self._settings.value("autosave", True, type=bool))

    @autosave.setter
    def autosave(self, on: bool) -> None:
        self._keep("autosave", on)

    @property
    def timeline_folder(self) -> str:
        """Where projects of clips are kept that were chosen on an editing application's timeline; "" = MaskEdit's own
        choice."""
        return self._text("timeline_folder")

    @timeline_folder.setter
    def timeline_folder(self, folder: str) -> None:
        self._keep("timeline_folder", folder)

    @property
    def last_folder(self) -> str:
        """Where a file was chosen last."""
        return self._text("last_folder")

    @last_folder.setter
    def last_folder(self, folder: str) -> None:
        self._keep("last_folder", folder)

    @property
    def recent(self) -> tuple[str, ...]:
        """Projects and clips, the last opened first."""
        kept = self._settings.value("recent", [])
        return tuple(kept) if isinstance(kept, list) else (str(kept),)

    def opened(self, path: str) -> None:
        """Put a project or clip first among the recent ones."""
        self._keep("recent", [path, *(each for each in self.recent if each != path)][:_MOST_RECENT])

    @property
    def look(self) -> str:
        """How the viewer shows things, in its own words."""
        return self._text("look")

    @look.setter
    def look(self, words: str) -> None:
        self._keep("look", words)

    @property
    def window(self) -> tuple[QByteArray, QByteArray]:
        """Geometry and layout of the window as Qt gives them; empty at first."""
        kept = (self._settings.value(f"window/{name}") for name in ("geometry", "layout"))
        geometry, layout = (value if isinstance(value, QByteArray) else QByteArray() for value in kept)
        return geometry, layout

    @window.setter
    def window(self, window: tuple[QByteArray, QByteArray]) -> None:
        for name, value in zip(("geometry", "layout"), window, strict=True):
            self._keep(f"window/{name}", value)

    def _text(self, name: str) -> str:
        return str(self._settings.value(name, "", type=str))

    def _keep(self, name: str, value: object) -> None:
        self._settings.setValue(name, value)
        self.changed.emit(name)
