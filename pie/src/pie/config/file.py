"""`config.toml`: read, written, changed by key."""

import os
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
import tomlkit.items

from pie.config.config import Config
from pie.config.home import Home
from pie.errors import ConfigError
from pie_wire.arguments import typed
from pie_wire.errors import ShapeError
from pie_wire.shape import convert


def load(home: Home, path: Path | None = None) -> Config:
    """The configuration in `path`, which must exist, or in the home's file, or else the default one. Raises `ConfigError`."""
    chosen = path or home.config
    if path is None and not chosen.exists():
        return Config()
    try:
        return parse(read(chosen))
    except ConfigError as error:
        raise ConfigError(f"{chosen}: {error}") from error


def parse(text: str) -> Config:
    """The configuration in a TOML text. Raises `ConfigError`, which names the wrong key."""
    try:
        config = convert(tomllib.loads(text), Config)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"not valid TOML: {error}") from error
    except ShapeError as error:
        raise ConfigError(str(error)) from error
    _check_models(config)
    return config


def shown(config: Config) -> str:
    """A configuration as TOML, every key with its value."""
    return tomlkit.dumps(msgspec.to_builtins(config))


def changed(text: str, key: str, value: str) -> str:
    """A configuration text with one key set; comments and order stay. Raises `ConfigError` if the result were not valid.

    `key` is dotted, with numbers for list positions (`model.0.name`). `value` is read as a number, true or false, or a list if it
    has commas, wherever the key takes such a thing; else it is text.
    """
    steps = key.split(".")
    failure: ConfigError | None = None
    for candidate in _readings(value):
        document = _document(text)
        _set(document, steps, candidate)
        result = tomlkit.dumps(document)
        try:
            parse(result)
        except ConfigError as error:
            failure = failure or error
        else:
            return result
    assert failure is not None, "a value has at least one reading"
    raise failure


def read(path: Path) -> str:
    """A file's text. Raises `ConfigError`."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError("there is no such file") from error
    except UnicodeDecodeError as error:
        raise ConfigError("not UTF-8 text") from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}") from error


def write(path: Path, text: str) -> None:
    """Replace a file as a whole: readers see the old text or the new one. Raises `ConfigError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".config-", delete=False) as file:
            file.write(text)
        _replace(Path(file.name), path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def _replace(new: Path, path: Path) -> None:
    try:
        new.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _check_models(config: Config) -> None:
    """What concerns several models: names are unique, and a GPU has one model."""
    places: dict[str, str] = {}
    for index, model in enumerate(config.models):
        devices = [] if model.driver.device == "cpu" or model.driver.type == "dummy" else [model.driver.device]
        for key, value in [("name", model.name), *(("driver.device", _numbered(device)) for device in devices)]:
            here = f"model[{index}].{key}"
            if (before := places.setdefault(f"{key} {value}", here)) != here:
                raise ConfigError(f"{here}: '{value}' is taken by {before}")


def _numbered(device: str) -> str:
    return "cuda:0" if device == "cuda" else device


def _readings(value: str) -> Sequence[Any]:
    """What a value on the command line may mean, the most likely first."""
    if "," in value:
        return [[typed(item.strip()) for item in value.split(",")], value]
    return list(dict.fromkeys([typed(value), value]))


def _document(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except ValueError as error:  # what tomlkit raises for text that is no TOML
        raise ConfigError(f"not valid TOML: {error}") from error


def _set(document: Any, steps: Sequence[str], value: object) -> None:
    """Set a key of a document, making the tables on the way there."""
    container = document
    for depth, step in enumerate(steps[:-1]):
        container = _entered(container, step, steps[: depth + 1], is_list=steps[depth + 1].isdecimal())
    if isinstance(container, tomlkit.items.AoT):
        raise ConfigError(f"{'.'.join(steps)}: is a table, not a value")
    if not isinstance(container, list):
        container[steps[-1]] = value
    elif (position := _position(container, steps[-1], steps)) == len(container):
        container.append(value)
    else:
        container[position] = value


def _entered(container: Any, step: str, path: Sequence[str], *, is_list: bool) -> Any:
    """What is at a step, made if it is missing."""
    made = tomlkit.aot() if is_list else tomlkit.table()
    if isinstance(container, list):
        index = _position(container, step, path)
        if index == len(container):
            container.append(made)
        entry = container[index]
    else:
        if step not in container:
            container[step] = made
        entry = container[step]
    if not isinstance(entry, dict | list):
        raise ConfigError(f"{'.'.join(path)}: is a value, not a table")
    return entry


def _position(entries: list[Any], step: str, path: Sequence[str]) -> int:
    if not step.isdecimal() or int(step) > len(entries):
        raise ConfigError(f"{'.'.join(path)}: '{step}' is no position in a list of {len(entries)}; the first is 0")
    return int(step)
