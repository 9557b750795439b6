"""What an operator may set: one typed object, read from environment variables whose names start with INCEPTION_.

Pydantic takes a tenth of a second to load. Modules that `import inception` loads therefore import this one inside the
functions that need a setting.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ByteSize, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import InputError
from .words import N_, _

PREFIX = "INCEPTION_"


class SettingsError(InputError):
    """A variable whose value cannot be used, in one sentence."""


class Settings(BaseSettings):
    """The settings; the title of each says what its variable takes, the description what it is for.

    A variable that is absent or empty leaves the default.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    weights: Path = Field(
        default=Path("weights"),
        title=N_("a folder"),
        description=N_("where checkpoint files are looked for; a relative path starts at the working directory"),
    )
    memory: ByteSize = Field(
        default=ByteSize(2**30),
        ge=1,
        title=N_("a size with its unit, such as 1.5GB or 512MiB"),
        description=N_(
            "memory for the weights of networks that stay loaded for all readers, and as much again for those "
            "that readers bring; the network asked for last stays even if it is larger"
        ),
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        title=N_("a whole number from 1 to 1024"),
        description=N_(
            "threads with which PyTorch computes on the CPU, in the app and on the command line; while it is "
            "not set, PyTorch decides"
        ),
    )
    uploads: ByteSize = Field(
        default=ByteSize(160 * 2**20),
        ge=20 * 2**20,  # the largest picture that can be uploaded
        title=N_("a size with its unit, at least 20MiB, such as 160MiB"),
        description=N_("memory for the pictures, as encoded files, that a reader's session keeps; the oldest go first"),
    )

    kept_uploads: ByteSize = Field(
        default=ByteSize(200 * 2**20),
        ge=1,
        title=N_("a size with its unit, such as 200MiB"),
        description=N_(
            "memory for the pictures that stay for an hour after their session, all readers together, so that a reload "
            "does not lose them; those looked at longest ago go first"
        ),
    )

    engine_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$",
        title=N_("an address such as http://127.0.0.1:8600"),
        description=N_(
            "the engine that runs the app's networks, one that `serve` started or another one that speaks the Open "
            "Inference Protocol; while it is not set, they run in the app's own process"
        ),
    )
    engine_token: SecretStr | None = Field(
        default=None,
        title=N_("16 to 200 letters, digits and signs without spaces"),
        description=N_("what the app says to its engine, and `serve` wants of those who ask, to be let in"),
    )

    database_url: str = Field(
        default="sqlite:///rooms/rooms.sqlite3",
        pattern=r"^(sqlite:///|postgres(ql)?(\+psycopg)?://)\S+$",
        title=N_("an address such as sqlite:////var/lib/inception/rooms.sqlite3 or postgresql://user@host/name"),
        description=N_(
            "the database of the rooms of classes, made when the first room is opened; after three slashes a file's "
            "path starts at the working directory, after four at the root; servers that share rooms need PostgreSQL"
        ),
    )

    @field_validator("engine_token")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[\x21-\x7e]{16,200}", value.get_secret_value()):
            raise ValueError("token")
        return value

    @field_validator("memory", "uploads", "kept_uploads", mode="before")
    @classmethod
    def _has_a_unit(cls, value: Any) -> Any:
        # Pydantic would read 512 as 512 bytes, where someone most likely meant megabytes, and ignore words at the end.
        if isinstance(value, str) and not re.fullmatch(r"\s*[0-9.]+\s*[A-Za-z]+\s*", value):
            raise ValueError("unit")
        return value


def settings() -> Settings:
    """The settings of the environment as it is now; raises SettingsError for a value that cannot be used."""
    names = sorted(name for name in os.environ if name.upper().startswith(PREFIX))  # a page asks hundreds of times
    return _read(tuple((name, os.environ[name]) for name in names))


@lru_cache(maxsize=1)
def _read(variables: tuple[tuple[str, str], ...]) -> Settings:
    """What pydantic makes of the environment; `variables` is what the answer depends on and is remembered for."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        title = Settings.model_fields[name].title or ""
        sentence = _("{variable} must be {title}, not {value!r}.")
        # A token or password that is wrong by one character is a secret all the same.
        value = "…" if name in ("engine_token", "database_url") else first["input"]
        raise SettingsError(sentence.format(variable=variable(name), title=_(title), value=value)) from error


def variable(name: str) -> str:
    """The environment variable of a setting: INCEPTION_WEIGHTS of `weights`."""
    return f"{PREFIX}{name.upper()}"


def described_settings() -> list[dict[str, str]]:
    """Every setting as texts: name of its variable, value, default (empty where there is none), takes, meaning.

    Raises SettingsError.
    """
    now = settings()
    described = []
    for name, field in Settings.model_fields.items():
        takes, meaning = field.title or "", field.description or ""
        row = {"name": variable(name), "value": _text(getattr(now, name)), "default": _text(field.default)}
        described.append({**row, "takes": _(takes), "meaning": _(meaning)})
    return described


def _text(value: object) -> str:
    """The value as it could stand in the variable, without a password."""
    if isinstance(value, str):
        return re.sub(r"(?<=://)([^:/@]*):[^@]*@", r"\1:…@", value)
    if not isinstance(value, ByteSize):
        return "" if value is None else str(value)
    for unit in ("GiB", "GB", "MiB", "MB"):
        number = round(value.to(unit), 3)
        if number * ByteSize.byte_sizes[unit.lower()] == value:
            return f"{number:g}{unit}"
    return f"{value:d}B"
