"""Answers of the engine as values."""

from typing import TypeVar

import msgspec

from pie_client.errors import ProtocolError
from pie_wire import messages

T = TypeVar("T")


class ListedProcess(messages.ListedProcess, frozen=True):
    """A running process. Also reads like the dict that it was in Pie 0.4: `process["id"]`."""

    def __getitem__(self, key: str) -> object:
        if key not in self.__struct_fields__:
            raise KeyError(key)
        return getattr(self, key)

    def get(self, key: str, default: object = None) -> object:
        return getattr(self, key) if key in self.__struct_fields__ else default

    def keys(self) -> tuple[str, ...]:
        return self.__struct_fields__


def listed(text: str) -> list[ListedProcess]:
    """Raises `ProtocolError`."""
    return _decoded(text, list[ListedProcess])


def strings(text: str) -> list[str]:
    """Raises `ProtocolError`."""
    return _decoded(text, list[str])


def table(text: str) -> dict[str, object]:
    """Raises `ProtocolError`."""
    return _decoded(text, dict[str, object])


def _decoded(text: str, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=type_)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"the engine's answer is not what was asked for: {error}") from error
