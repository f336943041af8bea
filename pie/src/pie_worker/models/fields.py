"""Checked access to the keys of a config.json, which is hostile input: every error names the key."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pie.errors import ModelError
from pie_worker.limits import CONFIG_BYTES_MAX

_INTEGER_BITS_MAX = 53
"""Above, JSON numbers lose digits."""


class Fields:
    """The keys of one JSON object."""

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        self._values = values
        self._name = name

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self._values.get(key) is not None

    def is_null(self, key: str) -> bool:
        """Whether the key is there, and null."""
        return key in self._values and self._values[key] is None

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value.bit_length() > _INTEGER_BITS_MAX:
            raise self._error(key, value, "an integer")
        if not low <= value <= high:
            raise self._error(key, value, f"between {low} and {high}")
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(key, value, "a number")
        if not low <= value <= high:
            raise self._error(key, value, f"between {low} and {high}")
        return float(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self._error(key, value, "true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self._error(key, value, "a text")
        return value

    def texts(self, key: str) -> list[str]:
        value = self._value(key, None)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._error(key, value, "a list of texts")
        return value

    def object(self, key: str) -> "Fields":
        value = self._value(key, None)
        if not isinstance(value, dict):
            raise self._error(key, value, "an object")
        return Fields(value, f"{self._name}: {key}")

    def _value(self, key: str, default: Any) -> Any:
        value = self._values.get(key)
        if value is None:
            value = default
        if value is None:
            raise ModelError(f"{self._name}: key `{key}` is missing")
        return value

    def _error(self, key: str, value: Any, wanted: str) -> ModelError:
        return ModelError(f"{self._name}: `{key}` is {_short(value)}, but must be {wanted}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_fields(path: Path) -> Fields:
    """Raises `ModelError` if the file is missing, too large or no JSON object."""
    return Fields(read_object(path, CONFIG_BYTES_MAX), path.name)


def read_object(path: Path, bytes_max: int) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    if len(content) > bytes_max:
        raise ModelError(f"{path} is larger than {bytes_max} bytes")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} holds no JSON object")
    return value
