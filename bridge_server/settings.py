# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's settings. The command line goes before MASKEDIT_* variables, those before DATA_DIR/server.toml."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliImplicitFlag,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from bridge_server.errors import StartError

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_CONFIG = SettingsConfigDict(
    env_prefix="MASKEDIT_",
    cli_kebab_case=True,
    cli_prog_name="maskedit serve",
    cli_hide_none_type=True,
    cli_avoid_json=True,
)


def default_data_dir() -> Path:
    """Where jobs, models and caches live unless said otherwise; clients follow the same rule (docs/protocol.md)."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "maskedit"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "maskedit"
    xdg = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (xdg if xdg.is_absolute() else home / ".local" / "share") / "maskedit"


def default_media_roots() -> tuple[Path, ...]:
    """The user's home and wherever this system mounts media volumes."""
    volumes = {"darwin": ("/Volumes",), "win32": ()}.get(sys.platform, ("/media", "/mnt", "/run/media"))
    return (Path.home(), *map(Path, volumes))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))


_Folder = Annotated[Path, AfterValidator(_absolute)]


class _Place(BaseSettings):
    """Read first, because the settings file lies in the data folder."""

    model_config = _CONFIG | SettingsConfigDict(cli_ignore_unknown_args=True, extra="ignore")
    data_dir: _Folder = Field(default_factory=default_data_dir)


class Settings(BaseSettings):
    """Start MaskEdit's server, which keeps the jobs and runs them, for this machine only unless told otherwise."""

    model_config = _CONFIG

    data_dir: _Folder = Field(
        default_factory=default_data_dir, description="folder for jobs, uploads, models and caches"
    )
    listen: str = Field(
        "127.0.0.1:0", description="HOST:PORT (port 0: a free one) or unix:PATH; anything but loopback needs TLS"
    )
    tls_cert: _Folder | None = Field(None, description="PEM file with the certificate chain")
    tls_key: _Folder | None = Field(None, description="PEM file with the private key")
    tls_client_ca: _Folder | None = Field(
        None, description="PEM file of the authority whose certificate every client has to show beside the token"
    )
    token_hours: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="hours after which the server makes itself a new token and refuses the old one",
    )
    new_token: CliImplicitFlag[bool] = Field(
        False, description="have the server that runs on the data folder do so now, and start none"
    )
    dispatch: Literal["local", "ray"] = Field(
        "local", description="where jobs run: local = worker processes on this machine, ray = an existing Ray cluster"
    )
    ray_address: str = Field("", description="HOST:PORT of the Ray cluster, of which this machine is a node")
    metrics: str = Field(
        "", description="HOST:PORT on this machine where Prometheus may read figures; off unless given"
    )
    media_roots: tuple[_Folder, ...] = Field(
        default_factory=default_media_roots,
        description="folders from which clients on this machine may name files instead of uploading them",
    )
    worker_idle_minutes: float = Field(
        10.0,
        ge=0,
        allow_inf_nan=False,
        description="minutes that a worker waits, its model in main memory, for another job with it; 0 = none",
    )
    sharing: Literal["none", "yield", "idle"] = Field(
        "none",
        description="with the other programs on this machine: none = jobs take what they need, yield = they give way "
        "where both want a processor, idle = moreover only drafts start while others use the GPU (without one: the "
        "processors)",
    )
    spare_memory_gb: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="gigabytes of the device's memory that jobs leave to other programs"
    )
    asset_quota_gb: float = Field(
        200.0, gt=0, allow_inf_nan=False, description="gigabytes that uploaded media may take"
    )
    cache_quota_gb: float = Field(
        200.0,
        gt=0,
        allow_inf_nan=False,
        description="gigabytes of cache beyond which what can be made again is removed, longest unused first",
    )
    adapter_quota_gb: float = Field(
        100.0, gt=0, allow_inf_nan=False, description="gigabytes of adapters beyond which none is imported"
    )
    keep_results_days: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="days after its end that a job goes with its results; 0 = never"
    )
    keep_adapters_days: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="days after its last use that an adapter which was tuned here is deleted; 0 = never",
    )
    what_goes: CliImplicitFlag[bool] = Field(
        False, description="say what these two would delete now, and start no server"
    )
    job_log_mb: float = Field(
        20.0, gt=0, allow_inf_nan=False, description="megabytes of a job's log beyond which its beginning goes"
    )

    @property
    def loopback(self) -> bool:
        return self.listen.startswith("unix:") or self.listen.rpartition(":")[0] in _LOOPBACK

    @model_validator(mode="after")
    def _refuse_open_doors(self) -> Settings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls-cert and tls-key belong together: give both or neither")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("tls-client-ca asks for certificates, which only TLS carries: give tls-cert and tls-key")
        host, colon, port = self.listen.rpartition(":")
        if not self.listen.startswith("unix:/") and not (host and colon and port.isdecimal() and int(port) < 65536):
            raise ValueError(f"listen takes HOST:PORT or unix:/PATH, not '{self.listen}'")
        if not self.loopback and self.tls_cert is None:
            raise ValueError(
                f"listening on {self.listen} would open the server to the network: give tls-cert and tls-key"
            )
        if (self.dispatch == "ray") != bool(self.ray_address):
            raise ValueError("dispatch=ray and ray-address belong together: give both or neither")
        if (self.dispatch, self.sharing) == ("ray", "idle"):
            raise ValueError("sharing=idle looks at this machine, and dispatch=ray runs jobs on others: take yield")
        if self.token_hours is not None and _Secrets().token.get_secret_value():
            raise ValueError("a token that MASKEDIT_TOKEN gives cannot expire: leave out that or token-hours")
        host, _, port = self.metrics.rpartition(":")
        if self.metrics and not (host in _LOOPBACK and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(
                f"metrics are for this machine only and need no token: give 127.0.0.1:PORT, not '{self.metrics}'"
            )
        return self


class _Secrets(BaseSettings):
    """From the environment only: a command line can be read by every user of the machine."""

    model_config = SettingsConfigDict(env_prefix="MASKEDIT_")
    token: SecretStr = SecretStr("")


def load_settings(argv: Sequence[str]) -> Settings:
    """Raises StartError with one sentence naming the first setting that does not fit, or SystemExit after --help."""
    try:
        place = CliApp.run(_Place, cli_args=[part for part in argv if part not in ("-h", "--help")])
        file = place.data_dir / "server.toml"

        class FiledSettings(Settings):
            __doc__ = Settings.__doc__

            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls: type[BaseSettings],
                init_settings: PydanticBaseSettingsSource,
                env_settings: PydanticBaseSettingsSource,
                dotenv_settings: PydanticBaseSettingsSource,
                file_secret_settings: PydanticBaseSettingsSource,
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

        return CliApp.run(FiledSettings, cli_args=list(argv))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":  # those on the command line argparse has refused
            raise StartError(
                f"There is no setting {name}, which server.toml names: `maskedit serve --help` has all of them, "
                "there with - instead of _."
            ) from error
        sentence = first["msg"].removeprefix("Value error, ")
        raise StartError(f"{name}: {sentence}." if name else f"{sentence[0].upper()}{sentence[1:]}.") from error
    except TOMLDecodeError as error:
        raise StartError(f"The data folder's server.toml cannot be read: {error}.") from error
    except (SettingsError, OSError, ValueError) as error:
        raise StartError(f"The settings cannot be read: {error}") from error


def given_token() -> str:
    """MASKEDIT_TOKEN, or "" where the server is to make one. Raises StartError if it is too short to be a secret.

    It is taken out of the environment, which every worker and checker inherits.
    """
    token = _Secrets().token.get_secret_value()
    os.environ.pop("MASKEDIT_TOKEN", None)
    if token and len(token) < 16:
        raise StartError("MASKEDIT_TOKEN is too short to be a secret: use at least 16 characters, or leave it out.")
    return token
