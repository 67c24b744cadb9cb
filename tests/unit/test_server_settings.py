# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings come from where they should, and open no door by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_server.errors import StartError
from bridge_server.settings import default_data_dir, given_token, load_settings


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATA_DIR", "LISTEN", "TOKEN", "ASSET_QUOTA_GB", "MEDIA_ROOTS"):
        monkeypatch.delenv(f"MASKEDIT_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)


def test_command_line_goes_before_environment_before_file_before_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def listen(*argv: str) -> str:
        return load_settings([*argv, "--data-dir", str(tmp_path)]).listen

    assert listen() == "127.0.0.1:0"
    (tmp_path / "server.toml").write_text('listen = "127.0.0.1:1111"\nasset_quota_gb = 3\n')
    assert listen() == "127.0.0.1:1111"
    monkeypatch.setenv("MASKEDIT_LISTEN", "127.0.0.1:2222")
    assert listen() == "127.0.0.1:2222"
    assert listen("--listen", "127.0.0.1:3333") == "127.0.0.1:3333"
    assert load_settings(["--data-dir", str(tmp_path)]).asset_quota_gb == 3


def test_the_data_folder_of_the_environment_holds_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text('listen = "localhost:1111"\n')
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(tmp_path))
    settings = load_settings([])
    assert (settings.data_dir, settings.listen) == (tmp_path, "localhost:1111")


def test_the_default_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert default_data_dir() == tmp_path / ".local/share/maskedit"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert default_data_dir() == tmp_path / ".local/share/maskedit"
    monkeypatch.setenv("XDG_DATA_HOME", "/elsewhere")
    assert default_data_dir() == Path("/elsewhere/maskedit")
    monkeypatch.setattr("sys.platform", "darwin")
    assert default_data_dir() == tmp_path / "Library/Application Support/maskedit"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert default_data_dir() == Path("/local/maskedit")


def test_sharing_is_off_unless_asked_for_and_known(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings([])
    assert (settings.sharing, settings.spare_memory_gb) == ("none", 0)
    monkeypatch.setenv("MASKEDIT_SHARING", "idle")
    assert load_settings(["--spare-memory-gb", "4"]).sharing == "idle"
    for wrong in (["--sharing", "polite"], ["--spare-memory-gb", "-1"], ["--spare-memory-gb", "inf"]):
        with pytest.raises(StartError):
            load_settings(wrong)
    with pytest.raises(StartError, match=r"runs jobs on others: take yield\."):
        load_settings(["--dispatch", "ray", "--ray-address", "127.0.0.1:6379"])


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:5000", "[::1]:5000", "unix:/tmp/folder/socket"])
def test_loopback_needs_no_certificate(listen: str) -> None:
    assert load_settings(["--listen", listen]).loopback


@pytest.mark.parametrize("listen", ["0.0.0.0:5000", "192.168.1.2:0", "example.org:5000", "[::]:0", "127.0.0.1.evil:1"])
def test_anything_else_is_refused_without_tls(listen: str) -> None:
    with pytest.raises(StartError, match="would open the server to the network: give tls-cert and tls-key"):
        load_settings(["--listen", listen])
    with_tls = load_settings(["--listen", listen, "--tls-cert", "a.pem", "--tls-key", "b.pem"])
    assert with_tls.tls_cert == Path.cwd() / "a.pem"


@pytest.mark.parametrize(
    "argv",
    [
        ["--listen", "127.0.0.1"],
        ["--listen", "127.0.0.1:70000"],
        ["--listen", "unix:relative"],
        ["--tls-cert", "a.pem"],
        ["--dispatch", "cloud"],
        ["--asset-quota-gb", "0"],
        ["--asset-quota-gb", "nan"],
    ],
)
def test_what_does_not_fit_is_refused_with_one_sentence(argv: list[str]) -> None:
    with pytest.raises(StartError) as refusal:
        load_settings(argv)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("listen = [")
    with pytest.raises(StartError, match="cannot be read"):
        load_settings(["--data-dir", str(tmp_path)])


def test_the_token_comes_from_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given_token() == ""
    monkeypatch.setenv("MASKEDIT_TOKEN", "0123456789abcdef")
    assert given_token() == "0123456789abcdef"
    monkeypatch.setenv("MASKEDIT_TOKEN", "short")
    with pytest.raises(StartError, match="too short"):
        given_token()
    with pytest.raises(SystemExit):
        load_settings(["--token", "0123456789abcdef"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('lisen = "127.0.0.1:0"', "There is no setting lisen, which server.toml names"),
        ('tls-cert = "a.pem"', "There is no setting tls-cert, which server.toml names.*there with - instead of _"),
        ("listen 5", r"server\.toml cannot be read: .*line 1"),
    ],
)
def test_a_slip_in_the_settings_file_is_said_of_the_file(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "server.toml").write_text(text)
    with pytest.raises(StartError, match=said):
        load_settings(["--data-dir", str(tmp_path)])
