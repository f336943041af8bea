"""Arguments, checked before they leave the program: a value of the wrong type would abort it without a traceback."""

from array import array
from collections.abc import Iterable
from operator import index

_UNSIGNED_32 = "I"
"""Type code of C's unsigned int, which has 32 bits wherever Python runs."""


def text(value: object) -> str:
    """`value`, if it is whole text. An argument such as `--prompt 42` arrives as a number, and JSON can spell half a character."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, not {type(value).__name__}: {value!r}")
    if not value.isascii():
        value.encode()  # raises UnicodeEncodeError for half a character (a lone surrogate)
    return value


def numbers(values: Iterable[int]) -> list[int]:
    """A list of token ids, positions or run lengths."""
    listed = list(values)
    try:
        array(_UNSIGNED_32, listed)
    except (TypeError, OverflowError):
        wrong = next(value for value in listed if not _is_unsigned_32(value))
        raise _mistake(wrong) from None
    return listed


def number(value: int) -> int:
    if not _is_unsigned_32(value):
        raise _mistake(value)
    return index(value)


def seed(value: int) -> int:
    if not 0 <= index(value) < 2**64:
        raise ValueError(f"a seed lies between 0 and 2**64 - 1: {value}")
    return index(value)


def _is_unsigned_32(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 2**32


def _mistake(value: object) -> Exception:
    if isinstance(value, int):
        return ValueError(f"expected a number between 0 and 2**32 - 1, not {value}")
    return TypeError(f"expected a whole number, not {type(value).__name__}: {value!r}")
