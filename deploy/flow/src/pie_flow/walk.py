"""What checking, encoding and decoding of values share: going through lists, tuples and records, with the path of what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from pie_flow.errors import ValueTypeError

Convert = Callable[[Any], Any]
"""From a value to a value, or ValueTypeError with the path from there."""


def refuse(value: object, wanted: str) -> NoReturn:
    raise ValueTypeError("", f"{wanted} is wanted, not {_shown(value)}")


def _shown(value: object) -> str:
    """A value in a message: never long, whatever it is."""
    name = type(value).__name__
    if isinstance(value, str):
        return f"{name} {value[:40]!r}"
    if isinstance(value, int) and value.bit_length() > 128:
        return f"{name} of {value.bit_length()} bits"
    return f"{name} {value!r}" if isinstance(value, (bool, int, float)) else name


def at(convert: Convert, value: Any, step: str) -> Any:
    """Convert a part; what goes wrong in it has the step before its path."""
    try:
        return convert(value)
    except ValueTypeError as error:
        raise ValueTypeError(step + error.path, error.reason) from None


def items(convert: Convert) -> Convert:
    """A list to a list."""

    def each(value: Any) -> Any:
        if not isinstance(value, list):
            refuse(value, "a list")
        converted: list[Any] = []  # keeps what came before an item that is refused, so its length is that item's index
        try:
            converted.extend(map(convert, value))
        except ValueTypeError as error:
            raise ValueTypeError(f"[{len(converted)}]{error.path}", error.reason) from None
        return converted

    return each


def positions(converts: Sequence[Convert], source: type, target: Callable[[Any], Any]) -> Convert:
    """A tuple to a tuple; in JSON either may be a list."""
    wanted = f"a {source.__name__} of {len(converts)}"

    def each(value: Any) -> Any:
        if not isinstance(value, source) or len(value) != len(converts):  # type: ignore[arg-type]
            refuse(value, wanted)
        parts = zip(converts, value, strict=True)  # type: ignore[call-overload]
        return target([at(convert, part, f".{position}") for position, (convert, part) in enumerate(parts)])

    return each


def fields(converts: Mapping[str, Convert]) -> Convert:
    """A dict with exactly these keys to such a dict."""

    def each(value: Any) -> Any:
        if not isinstance(value, dict):
            refuse(value, "a record")
        if value.keys() != converts.keys():
            _refuse_fields(value, converts)
        return {name: at(convert, value[name], f".{name}") for name, convert in converts.items()}

    return each


def _refuse_fields(value: Mapping[Any, Any], wanted: Mapping[str, Any]) -> NoReturn:
    for name in wanted:
        if name not in value:
            raise ValueTypeError("", f"the field {name} is missing")
    extra = next(name for name in value if name not in wanted)
    raise ValueTypeError("", f"there is no field {str(extra)[:40]!r}")
