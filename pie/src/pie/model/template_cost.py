"""What a chat template uses up: an account that its steps are charged to, and how large the result of a step would be."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pie.errors import TemplateError
from pie.limits import TEMPLATE_NUMBER_MAX, TEMPLATE_VALUE_SIZE_MAX, TEMPLATE_WORK_MAX

_CHARACTERS_PER_STEP = 64
_WIDE_PERCENT = re.compile(r"%[^a-zA-Z%]*(?:\d{5}|\*)")
_WIDE_BRACES = re.compile(r"\{[^{}]*(?:\d{5}|\{)")


class Account:
    """What one rendering has used up so far. Every method raises `TemplateError` when that is too much."""

    def __init__(self) -> None:
        self._work = 0
        self._written = 0

    def step(self, size: int = 0) -> None:
        """One step that makes this many characters or elements."""
        self._work += 1 + size // _CHARACTERS_PER_STEP
        if size > TEMPLATE_VALUE_SIZE_MAX:
            raise TemplateError("the chat template makes too large a value")
        if self._work > TEMPLATE_WORK_MAX:
            raise TemplateError("the chat template takes too long")

    def made(self, value: object) -> None:
        """A step that made this value. Containers are charged for all they hold, however deep: a list of two references to a
        list of two references, and so on, is small in memory but not to whoever compares or prints it."""
        if isinstance(value, str):
            self.step(len(value))
        elif isinstance(value, int) and value.bit_length() > 64:
            raise TemplateError("the chat template makes too large a number")
        else:
            self._walk(value, characters=False)

    def wrote(self, text: str) -> None:
        """A step that adds to the output, which is bounded like any value."""
        self._written += len(text)
        self.step(len(text))
        if self._written > TEMPLATE_VALUE_SIZE_MAX:
            raise TemplateError("the chat template writes too long a text")

    def read(self, value: object) -> None:
        """A step that reads all of this value, down to the characters."""
        self._walk(value, characters=True)

    def _walk(self, value: object, *, characters: bool) -> None:
        if isinstance(value, str):
            self.step(len(value) if characters else 0)
        elif isinstance(value, Mapping):
            self.step()
            for key, item in value.items():
                self._walk(key, characters=characters)
                self._walk(item, characters=characters)
        elif isinstance(value, range):
            self.step(len(value))
        elif isinstance(value, Collection):
            self.step()
            for item in value:
                self._walk(item, characters=characters)
        else:
            self.step()


def check_numbers(values: Sequence[object]) -> None:
    """Refuses numbers that would make a function produce something huge."""
    if any(isinstance(value, int | float) and abs(value) > TEMPLATE_NUMBER_MAX for value in values):
        raise TemplateError("the chat template passes too large a number")


def check_format(text: str) -> None:
    """Refuses format strings with a width of five digits, or one that comes from an argument."""
    if _WIDE_PERCENT.search(text) or _WIDE_BRACES.search(text):
        raise TemplateError("the chat template asks for too wide a format")


def product_size(left: object, right: object) -> int:
    """Characters or elements of `left * right`."""
    return max(_length(left) * _count(right), _length(right) * _count(left))


def growth(name: str, value: object, arguments: Sequence[object]) -> int:
    """Characters that the string method or filter `name` would make of `value`, for those that can make many out of few."""
    estimate = _GROWTH.get(name)
    return estimate(value, arguments) if estimate else 0


def _replaced(value: object, arguments: Sequence[object]) -> int:
    text = str(value)
    old, new = (str(argument) for argument in (*arguments, "", "")[:2])
    return len(text) + text.count(old) * len(new)


def _joined(value: object, arguments: Sequence[object]) -> int:
    """Of `separator.join(list)` and of `list | join(separator)`."""
    first = arguments[0] if arguments else ""
    separator, items = (value, first) if isinstance(value, str) and not isinstance(first, str) else (first, value)
    return len(str(separator)) * _length(items)


def _indented(value: object, arguments: Sequence[object]) -> int:
    width = arguments[0] if arguments else 4
    return (str(value).count("\n") + 1) * (len(width) if isinstance(width, str) else _count(width))


_GROWTH: Mapping[str, Callable[[Any, Sequence[Any]], int]] = {"replace": _replaced, "join": _joined, "indent": _indented}


def _length(value: object) -> int:
    return len(value) if isinstance(value, Collection) else 0


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
