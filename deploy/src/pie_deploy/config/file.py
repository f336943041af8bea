"""`config.yml`, read and checked."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from pie_deploy.config.home import Home
from pie_deploy.config.settings import Config, RuntimeConfig, UserConfig
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.yaml_text import load_yaml
from pie_deploy.errors import InvalidArgumentError, ManifestError

CONFIG_NAME = "the configuration"
CONFIG_BYTES_MAX = 1 << 20
"""A file with thousands of users is far smaller."""

TABLES: Mapping[str, type[Struct]] = {"runtimes": RuntimeConfig, "users": UserConfig}
"""The sections whose keys are names."""

S = TypeVar("S", bound=Struct)

_PLACE = re.compile(r"^(?P<what>.*) - at (?:`key` in )?`\$(?P<path>.*)`$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<key>.*)`$")


def load(home: Home, path: Path | None = None) -> Config:
    """The configuration in `path`, which must exist, or in the home's file, or else the default one. Raises
    InvalidArgumentError.
    """
    chosen = path or home.config
    if path is None and not chosen.exists():
        return Config()
    try:
        return parse(_read(chosen))
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{chosen}: {error}") from error


def parse(text: str | bytes) -> Config:
    """The configuration in a YAML text. Raises InvalidArgumentError, which names the wrong key."""
    try:
        document = load_yaml(text, CONFIG_NAME, bytes_max=CONFIG_BYTES_MAX)
    except ManifestError as error:
        raise InvalidArgumentError(str(error)) from error
    document = {} if document is None else document
    for section, kind in TABLES.items():
        _check_table(document, section, kind)
    config = _converted(document, Config, "")
    _check_durations(config)
    _check_users(config)
    return config


def _check_table(document: object, section: str, kind: type[Struct]) -> None:
    """Its rows one by one: an error in the whole would not say in which."""
    table = document.get(section) if isinstance(document, dict) else None
    for name, row in table.items() if isinstance(table, dict) else ():
        _converted(row, kind, f"{section}.{name}")


def _converted(value: object, kind: type[S], place: str) -> S:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidArgumentError(_named(str(error), place)) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(CONFIG_BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise InvalidArgumentError("there is no such file") from error
    except OSError as error:
        raise InvalidArgumentError(f"cannot be read: {error.strerror}") from error


def _check_users(config: Config) -> None:
    """A key is one user's: of two it would be anybody's guess which role it has."""
    known: dict[str, str] = {}
    for name, user in config.users.items():
        for digest in user.keys:
            if known.setdefault(digest, name) != name:
                raise InvalidArgumentError(f"users.{name}.keys: {digest[:12]}… is a key of {known[digest]}, too")


def _check_durations(config: Config) -> None:
    _check_duration("process.orphan_grace", config.process.orphan_grace)
    for what, value in msgspec.structs.asdict(config.keep).items():
        _check_duration(f"keep.{what}", value)
    for name, runtime in config.runtimes.items():
        _check_duration(f"runtimes.{name}.crash_window", runtime.crash_window)
        if runtime.ceiling is not None:
            _check_duration(f"runtimes.{name}.ceiling", runtime.ceiling)


def _check_duration(key: str, value: str) -> None:
    try:
        duration_ns = parse_duration(value)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{key}: {error}") from error
    if duration_ns <= 0:
        raise InvalidArgumentError(f"{key}: {value} is no time at all")


def _named(message: str, place: str) -> str:
    """msgspec's message with the key in front: ``api.port: expected `int`, got `str` ``."""
    found = _PLACE.match(message)
    what, path = (found["what"], found["path"]) if found else (message, "")
    keys = [place, path.removeprefix(".")]
    if unknown := _UNKNOWN.match(what):
        keys, what = [*keys, unknown["key"]], "unknown key"
    key = ".".join(filter(None, keys)).replace(".[", "[")
    what = what[:1].lower() + what[1:]
    return f"{key}: {what}" if key else what
