"""What a live test expects of a JSON value, and where the value is otherwise.

    {label: cat, score: {ge: 0.8, lt: 1}, items: {length: 3, "0": {name: {matches: "^a"}}}}

A mapping whose keys are all operators is about the value; any other is about its fields (or, with numbers as keys, about the
elements of a list); everything else is what the value is equal to. A field that is called like an operator is written with a dot
before it: `.length`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pie_deploy.errors import ManifestError
from pie_deploy.limits import EXPECTED_FAILURES_MAX, SHOWN_CHARACTERS_MAX

Expectation = Any

TOLERANCE = 1e-6
"""Of `approx`, without `tol`."""

_ABSENT: Any = object()

_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def failures(expectation: Expectation, value: Any = _ABSENT) -> list[str]:
    """A sentence for each part of the value that is not as expected, with its path; none: all is."""
    found: list[str] = []
    for failure in _failures(expectation, value, ""):
        found.append(failure)
        if len(found) == EXPECTED_FAILURES_MAX:
            break
    return found


def check(expectation: Expectation, field: str) -> None:
    """Raises ManifestError, with the field, for an expectation that no value could be held against."""
    if not isinstance(expectation, dict):
        return
    if _is_about_value(expectation):
        for operator, operand in expectation.items():
            if operator not in ("eq", "ne"):
                _check_operand(operator, operand, f"{field}.{operator}")
        if "tol" in expectation and "approx" not in expectation:
            raise ManifestError(f"{field}.tol: belongs to approx")
    else:
        for name, inner in expectation.items():
            check(inner, f"{field}.{name}")


def allows_more(expectation: Expectation) -> bool:
    """Whether a count that fulfils the expectation still does when it grows: then nobody has to wait for the end."""
    return isinstance(expectation, dict) and set(expectation) <= {"ge", "gt"}


def _is_about_value(expectation: Mapping[str, Any]) -> bool:
    return bool(expectation) and expectation.keys() <= _OPERATORS.keys() | {"tol"}


def _failures(expectation: Expectation, value: Any, path: str) -> Iterator[str]:
    if not isinstance(expectation, dict):
        yield from _operator("eq", expectation, value, path, {})
    elif _is_about_value(expectation):
        for operator, operand in expectation.items():
            if operator != "tol":
                yield from _operator(operator, operand, value, path, expectation)
    elif value is not _ABSENT and not isinstance(value, (dict, list)):
        yield f"{path or 'it'} is {_shown(value)}, not an object"
    else:
        for name, inner in expectation.items():
            field = name.removeprefix(".")
            yield from _failures(inner, _part(value, field), f"{path}.{field}")


def _part(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, _ABSENT)
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return _ABSENT


def _operator(operator: str, operand: Any, value: Any, path: str, beside: Mapping[str, Any]) -> Iterator[str]:
    place = path or "it"
    if operator == "absent":
        if (value is _ABSENT) != operand:
            yield f"{place} is {'absent' if operand is False else f'there: {_shown(value)}'}"
    elif value is _ABSENT:
        yield f"{place} is absent"
    elif operator == "length":
        if not isinstance(value, (str, list, dict)):
            yield f"{place} is {_shown(value)}, which has no length"
        else:
            yield from _failures(operand, len(value), f"{path}.length")
    elif not _OPERATORS[operator](value, operand, beside):
        yield f"{place} is {_shown(value)}, expected: {operator} {_shown(operand)}"


def _equal(left: Any, right: Any) -> bool:
    """As in JSON: true is not 1, 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)
    return bool(left == right)


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    def compare(value: Any, operand: Any, _: Mapping[str, Any]) -> bool:
        both_text = isinstance(value, str) and isinstance(operand, str)
        return (both_text or (_KINDS["number"](value) and _KINDS["number"](operand))) and holds(value, operand)

    return compare


def _is_near(value: Any, operand: Any, beside: Mapping[str, Any]) -> bool:
    return _KINDS["number"](value) and bool(abs(value - operand) <= beside.get("tol", TOLERANCE))


def _contains(value: Any, operand: Any, _: Mapping[str, Any]) -> bool:
    if isinstance(value, str):
        return isinstance(operand, str) and operand in value
    if isinstance(value, list):
        return any(_equal(item, operand) for item in value)
    return isinstance(value, dict) and isinstance(operand, str) and operand in value


_OPERATORS: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], bool]] = {
    "eq": lambda value, operand, _: _equal(value, operand),
    "ne": lambda value, operand, _: not _equal(value, operand),
    "lt": _ordered(lambda value, operand: value < operand),
    "le": _ordered(lambda value, operand: value <= operand),
    "gt": _ordered(lambda value, operand: value > operand),
    "ge": _ordered(lambda value, operand: value >= operand),
    "approx": _is_near,
    "matches": lambda value, operand, _: isinstance(value, str) and re.search(operand, value) is not None,
    "contains": _contains,
    "type": lambda value, operand, _: _KINDS[operand](value),
    "length": lambda value, operand, _: True,  # these two look at more than the value, see `_operator`
    "absent": lambda value, operand, _: True,
}

OPERATORS: Sequence[str] = tuple(_OPERATORS)


def _check_operand(operator: str, operand: Any, field: str) -> None:
    if operator == "length":
        check(operand, field)
    elif not _OPERANDS[operator](operand):
        raise ManifestError(f"{field}: {_shown(operand)} is no operand of {operator}")


def _is_pattern(operand: Any) -> bool:
    try:
        re.compile(operand)
    except (re.error, TypeError):
        return False
    return isinstance(operand, str)


def _is_ordered(operand: Any) -> bool:
    return isinstance(operand, str) or _KINDS["number"](operand)


_OPERANDS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("lt", "le", "gt", "ge"), _is_ordered),
    "approx": _KINDS["number"],
    "tol": _KINDS["number"],
    "matches": _is_pattern,
    "contains": lambda operand: True,
    "type": lambda operand: isinstance(operand, str) and operand in _KINDS,
    "absent": _KINDS["boolean"],
}


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…"
