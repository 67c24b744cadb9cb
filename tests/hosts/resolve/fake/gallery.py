# SPDX-License-Identifier: GPL-3.0-or-later
"""Gallery: albums and the stills in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hosts.resolve.fake.model import Album, Still
from tests.hosts.resolve.fake.pictures import write_still

if TYPE_CHECKING:
    from tests.hosts.resolve.fake.app import FakeResolve
    from tests.hosts.resolve.fake.project import ProjectFile


class Gallery:
    is_played = True

    def __init__(self, app: FakeResolve, file: ProjectFile) -> None:
        self.app, self.file = app, file

    def GetGalleryStillAlbums(self) -> list[Any]:
        return [GalleryStillAlbum(self.app, album) for album in self.file.albums]

    def GetCurrentStillAlbum(self) -> Any:
        return GalleryStillAlbum(self.app, self.file.albums[0])

    def SetCurrentStillAlbum(self, galleryStillAlbum: Any) -> bool:
        if not isinstance(galleryStillAlbum, GalleryStillAlbum):
            return False
        self.file.albums.remove(galleryStillAlbum.album)
        self.file.albums.insert(0, galleryStillAlbum.album)
        return True

    def CreateGalleryStillAlbum(self) -> Any:
        self.file.albums.append(Album(f"Stills {len(self.file.albums) + 1}"))
        return GalleryStillAlbum(self.app, self.file.albums[-1])

    def GetAlbumName(self, galleryStillAlbum: Any) -> str:
        return galleryStillAlbum.album.name if isinstance(galleryStillAlbum, GalleryStillAlbum) else ""

    def SetAlbumName(self, galleryStillAlbum: Any, albumName: str) -> bool:
        if not isinstance(galleryStillAlbum, GalleryStillAlbum):
            return False
        galleryStillAlbum.album.name = albumName
        return True


class GalleryStillAlbum:
    is_played = True

    def __init__(self, app: FakeResolve, album: Album) -> None:
        self.app, self.album = app, album

    def GetStills(self) -> list[Any]:
        return [GalleryStill(still) for still in self.album.stills]

    def GetLabel(self, galleryStill: Any) -> str:
        return galleryStill.still.label

    def SetLabel(self, galleryStill: Any, label: str) -> bool:
        galleryStill.still.label = label
        return True

    def ExportStills(self, galleryStills: list[Any], folderPath: str, filePrefix: str, format: str) -> bool:
        """On the Color page only; the files get a number of their own: `prefix_1.1.1.tif`."""
        if self.app.page != "color" or not galleryStills:
            return False
        written = [
            write_still(Path(folderPath) / f"{filePrefix}_1.1.{number}.{format}", one.still.picture)
            for number, one in enumerate(galleryStills, 1)
        ]
        return all(written)

    def DeleteStills(self, galleryStills: list[Any]) -> bool:
        chosen = [still.still for still in galleryStills or []]
        self.album.stills = [still for still in self.album.stills if still not in chosen]
        return bool(chosen)


class GalleryStill:
    is_played = True

    def __init__(self, still: Still) -> None:
        self.still = still
