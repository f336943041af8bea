"""Numbers of one type as numbers of another, by the rules of C++.

Integers wrap, floats lose what is behind the point, everything but zero is true, a Char is its code point. Where C++ leaves the
result open we do not: a float beyond an integer's range becomes the nearest integer there is, nan becomes 0.
"""

import math
import struct
from collections.abc import Callable
from typing import Any

from pie_flow.conform import RANGES
from pie_flow.errors import ValueTypeError

NUMERIC = ("Bool", "Char", "Double", "Float", *RANGES)
"""The types that `convert` knows."""

CODE_POINTS_MAX = 0x10FFFF


def converter(source: str, target: str) -> Callable[[Any], Any]:
    """From values of one atom of `NUMERIC` to values of another. Raises ValueTypeError for what is no character."""
    before: Callable[[Any], Any] = ord if source == "Char" else lambda value: value
    after = _AFTER.get(target) or _to_integer(target)
    return lambda value: after(before(value))


def _to_integer(target: str) -> Callable[[Any], int]:
    low, high = RANGES[target]

    def convert(value: Any) -> int:
        if isinstance(value, float):
            return 0 if math.isnan(value) else int(max(low, min(high, value)))
        return (int(value) - low) % (high - low + 1) + low

    return convert


def _to_char(value: Any) -> str:
    code = _to_integer("UInt32")(value)
    if code > CODE_POINTS_MAX or 0xD800 <= code <= 0xDFFF:
        raise ValueTypeError("", f"{code} is no character")
    return chr(code)


def _to_float(value: Any) -> float:
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return rounded


_AFTER: dict[str, Callable[[Any], Any]] = {"Bool": bool, "Char": _to_char, "Double": float, "Float": _to_float}
