# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a client may name instead of uploading, and what becomes of uploaded ones."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.assets import AssetStore
from bridge_server.references import Availability, References, in_clients_words
from maskedit.errors import InputError
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Region
from plugin_client.core.media import reference as proto_reference


class Place:
    """Media in one folder, the server's data in another, and one that nobody may read."""

    def __init__(self, root: Path) -> None:
        self.media, self.data, self.secret = (root / name for name in ("media", "data", "secret"))
        for folder in (self.media, self.data, self.secret):
            folder.mkdir()
        self.assets = AssetStore(self.data / "assets", quota_bytes=1 << 30)
        self.references = References(self.assets, roots=[self.media, self.data], private=self.data)

    def upload(self, content: bytes) -> str:
        asset_id = hashlib.sha256(content).hexdigest()
        with self.assets.receive(asset_id, size_bytes=len(content), offset=0) as receiving:
            receiving.write(content)
            receiving.finish()
        return asset_id

    def availability(self, reference: MediaReference, *, same_machine: bool = True) -> Availability:
        return self.references.find(reference, same_machine=same_machine).availability

    def reason(self, reference: MediaReference) -> str:
        return self.references.find(reference, same_machine=True).reason


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def seen(path: Path) -> MediaReference:
    """The reference that the real client makes of a file or sequence."""
    made = proto_reference(str(path))
    return MediaReference(
        locations=tuple(made.locations),
        display_name=made.display_name,
        size_bytes=made.size_bytes,
        quick_fingerprint=made.quick_fingerprint,
        first_number=made.first_number,
    )


def write(path: Path, content: bytes = b"pixels" * 50_000) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072, 200_001])
def test_client_and_server_see_the_same_fingerprint(place: Place, size: int) -> None:
    clip = write(place.media / "clip.mov", os.urandom(size))
    found = place.references.find(seen(clip), same_machine=True)
    assert (found.availability, found.location) == (Availability.READABLE, str(clip))


def test_a_file_from_a_far_future_is_told_apart_too(place: Place) -> None:
    clip = write(place.media / "clip.mov")
    subprocess.run(["touch", "-d", "2400-01-01", clip], check=True)
    assert clip.stat().st_mtime_ns > 2**63
    assert place.availability(seen(clip)) is Availability.READABLE


def test_a_sequence_is_read_in_place(place: Place) -> None:
    for number in range(998, 1003):
        write(place.media / f"shot.{number:04d}.exr", b"%d" % number)
    reference = seen(place.media / "shot.%04d.exr")
    assert place.references.find(reference, same_machine=True).location == str(place.media / "shot.%04d.exr")
    write(place.media / "shot.1003.exr", b"new")
    assert place.reason(reference) == "The server sees another file at that path."


def test_a_file_that_changed_since_is_not_read(place: Place) -> None:
    clip = write(place.media / "clip.mov")
    reference = seen(clip)
    os.utime(clip, ns=(1, 1))
    assert place.reason(reference) == "The server sees another file at that path."


def test_other_machines_name_no_paths(place: Place) -> None:
    reference = seen(write(place.media / "clip.mov"))
    assert place.availability(reference, same_machine=False) is Availability.UPLOAD_NEEDED


@pytest.mark.parametrize("kind", ["outside", "neighbour", "symlink", "folder symlink", "dots", "private"])
def test_nothing_outside_the_roots_is_read(place: Place, kind: str) -> None:
    secret = write(place.secret / "clip.mov")
    link = place.media / "link"
    if kind == "symlink":
        link.symlink_to(secret)
    elif kind == "folder symlink":
        link.symlink_to(place.secret)
    neighbour = place.media.with_name("media-of-others")
    neighbour.mkdir()
    path = {
        "outside": secret,
        "neighbour": write(neighbour / "clip.mov"),
        "symlink": link,
        "folder symlink": link / "clip.mov",
        "dots": place.media / ".." / "secret" / "clip.mov",
        "private": write(place.data / "server.json"),
    }[kind]
    reference = replace(seen(path), locations=(str(path),))
    assert place.reason(reference) == "It lies outside the server's media folders (setting media-roots)."


@pytest.mark.parametrize("where", ["secret", "data"])
def test_one_frame_linked_elsewhere_spoils_the_sequence(place: Place, where: str) -> None:
    write(place.media / "shot.0000.png")
    (place.media / "shot.0001.png").symlink_to(write(getattr(place, where) / "frame.png"))
    assert place.availability(seen(place.media / "shot.%04d.png")) is Availability.UPLOAD_NEEDED


def test_a_link_within_the_roots_is_followed_once(place: Place) -> None:
    clip = write(place.media / "clip.mov")
    link = place.media / "link.mov"
    link.symlink_to(clip)
    found = place.references.find(seen(link), same_machine=True)
    assert found.location == str(clip)


@pytest.mark.parametrize("name", ["clip.mov", "shot.%04d.png", "no-such-folder/clip.mov"])
def test_what_lies_outside_is_refused_in_the_same_words_whether_it_is_there_or_not(place: Place, name: str) -> None:
    absent = replace(MediaReference(), locations=(str(place.secret / name),))
    said = place.reason(absent)
    for file in ("clip.mov", "shot.0001.png"):
        write(place.secret / file)
    assert place.reason(absent) == said == "It lies outside the server's media folders (setting media-roots)."


def test_a_link_that_leads_to_itself_is_refused_and_no_error(place: Place) -> None:
    link = place.media / "clip.mov"
    link.symlink_to(link)
    assert place.reason(MediaReference(locations=(str(link),))) == "The server cannot open it."


def test_a_link_into_a_folder_that_no_message_can_name_is_refused(place: Place) -> None:
    folder = os.fsencode(place.media) + b"/\xff"
    os.mkdir(folder)
    link = place.media / "link.mov"
    link.symlink_to(write(Path(os.fsdecode(folder)) / "clip.mov"))
    assert place.reason(seen(link)) == "The server cannot open it."


MOUNTED = """
import sys
from pathlib import Path
from bridge_server.assets import AssetStore
from bridge_server.references import References
from maskedit.request import MediaReference
from plugin_client.core.media import reference
media, data = map(Path, sys.argv[1:])
references = References(AssetStore(data / "assets", quota_bytes=1), roots=[media], private=data)
clip = media / "mirror" / "jobs" / "clip.mov"
seen = MediaReference(locations=(str(clip),), quick_fingerprint=reference(str(clip)).quick_fingerprint)
print(references.find(seen, same_machine=True).reason)
"""


def test_the_data_folder_is_private_under_another_name_too(place: Place) -> None:
    """As on file systems that have several spellings of a name."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("Mounting for one process is not allowed here.")
    for folder in (place.media / "mirror", place.data / "jobs"):
        folder.mkdir()
    write(place.data / "jobs" / "clip.mov")
    mounted = 'mount --bind "$2" "$1/mirror" && exec "$0" -c "$3" "$1" "$2"'
    command = ["unshare", "-rm", "sh", "-c", mounted, sys.executable, place.media, place.data, MOUNTED]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "It lies outside the server's media folders (setting media-roots).\n"


@pytest.mark.parametrize("location", ["clip.mov", "", "/", "/dev/zero", "/nowhere/at/all", "/tmp/\0", "concat:/a|/b"])
def test_odd_paths_need_an_upload(place: Place, location: str) -> None:
    reference = MediaReference(locations=(location,), quick_fingerprint="0" * 64)
    assert place.availability(reference) is Availability.UPLOAD_NEEDED
    assert place.reason(reference)


@settings(max_examples=300, deadline=None)
@given(location=st.text(max_size=300), fingerprint=st.text(max_size=64), name=st.text(max_size=40))
def test_no_string_breaks_the_search(
    tmp_path_factory: pytest.TempPathFactory, location: str, fingerprint: str, name: str
) -> None:
    place = Place(tmp_path_factory.mktemp("place"))
    for text in (location, "/" + location, str(place.media / "x") + location):
        reference = MediaReference(locations=(text,), quick_fingerprint=fingerprint, display_name=name)
        assert place.availability(reference) is Availability.UPLOAD_NEEDED


def test_a_pipe_is_not_read(place: Place) -> None:
    os.mkfifo(place.media / "pipe.mov")
    reference = MediaReference(locations=(str(place.media / "pipe.mov"),), quick_fingerprint="0" * 64)
    assert place.reason(reference) == "It is not a regular file."


@pytest.mark.timeout(10)
def test_a_pipe_put_in_place_of_a_file_is_not_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was there a moment before: opening a pipe lasts until somebody writes to it."""
    clip = write(place.media / "clip.mov")
    reference, look, before = seen(clip), Path.stat, clip.stat()
    clip.unlink()
    os.mkfifo(clip)
    monkeypatch.setattr(Path, "stat", lambda path, **how: before if path == clip else look(path, **how))
    assert place.reason(reference) == "It is not a regular file."


def edit_of(clip: MediaReference) -> EditRequest:
    picture = MediaReference(asset_ids=clip.asset_ids, display_name="key.PNG")
    region = Region(mattes=(Matte(media=clip),))
    return EditRequest(target=clip, regions=(region,), keyframes=(Keyframe(frame=0, image=picture),))


@pytest.mark.parametrize(
    ("display_name", "name"),
    [
        ("holiday in Köln (2).mov", "holiday in Köln (2).mov"),
        ("../../evil;name$(x).mov", "evil_name_(x).mov"),
        ("C:\\clips\\shot.mov", "shot.mov"),
        ("..hidden", "_hidden"),
        ("a%s\n\0b", "a_s__b"),
        ("x" * 300 + ".mov", "x" * 46 + ".mov"),
        ("", "file"),
        ("..", "_"),
    ],
)
def test_an_uploaded_file_is_called_as_the_client_calls_it_if_that_is_safe(
    place: Place, tmp_path: Path, display_name: str, name: str
) -> None:
    clip = MediaReference(asset_ids=(place.upload(b"content"),), display_name=display_name)
    inputs = tmp_path / "inputs"
    resolved = place.references.resolve(edit_of(clip), inputs, same_machine=False)
    paths = [
        Path(part.path) for part in (resolved.target, resolved.regions[0].mattes[0].media, resolved.keyframes[0].image)
    ]
    assert paths == [inputs / "1" / name, inputs / "2" / name, inputs / "3" / "key.PNG"]
    assert all(path.read_bytes() == b"content" for path in paths)


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=300), count=st.integers(1, 3), first=st.integers(0, 2**40))
def test_whatever_the_name_the_links_stay_in_their_folder(
    tmp_path_factory: pytest.TempPathFactory, name: str, count: int, first: int
) -> None:
    place = Place(tmp_path_factory.mktemp("place"))
    ids = tuple(place.upload(b"frame %d" % number) for number in range(count))
    clip = MediaReference(asset_ids=ids, display_name=name, first_number=first)
    inputs = place.media / "inputs"
    location = Path(place.references.resolve(edit_of(clip), inputs, same_machine=False).target.path)
    assert location.parent == inputs / "1"
    assert len(list(location.parent.iterdir())) == count
    for number in range(count):
        path = str(location) % (first + number) if "%07d" in location.name else str(location)
        assert Path(path).read_bytes() == b"frame %d" % number


def test_an_uploaded_sequence_keeps_its_numbers(place: Place, tmp_path: Path) -> None:
    ids = tuple(place.upload(b"frame %d" % number) for number in range(3))
    clip = MediaReference(asset_ids=ids, display_name="shot.%04d.exr", first_number=1001)
    resolved = place.references.resolve(edit_of(clip), tmp_path / "inputs", same_machine=False)
    pattern = resolved.target.path
    assert [Path(pattern % (1001 + n)).read_bytes() for n in range(3)] == [b"frame 0", b"frame 1", b"frame 2"]
    assert resolved.target.first_number == 1001
    assert Path(pattern).name == "shot.%07d.exr"


def test_media_that_are_nowhere_are_asked_for_by_name(place: Place, tmp_path: Path) -> None:
    known = place.upload(b"content")
    clip = MediaReference(asset_ids=(known, "0" * 64), display_name="holiday.%03d.png")
    found = place.references.find(clip, same_machine=False)
    assert (found.availability, found.missing) == (Availability.UPLOAD_NEEDED, ("0" * 64,))
    with pytest.raises(InputError, match=r"holiday\.%03d\.png has to be uploaded first"):
        place.references.resolve(edit_of(clip), tmp_path / "inputs", same_machine=False)


def test_messages_call_uploaded_files_by_the_clients_names(place: Place, tmp_path: Path) -> None:
    clip = MediaReference(asset_ids=(place.upload(b"content"),), display_name="holiday.mov")
    inputs = tmp_path / "inputs"
    resolved = place.references.resolve(edit_of(clip), inputs, same_machine=False)
    sentence = f"The clip {resolved.target.path} has one frame, and {resolved.keyframes[0].image.path} is no picture."
    assert in_clients_words(sentence, inputs) == ("The clip holiday.mov has one frame, and key.PNG is no picture.")
