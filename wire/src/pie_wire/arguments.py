"""Program arguments on a command line into the program's input, a JSON object. The same for `pie run` and remote submission.

| form | result |
|---|---|
| `--some-key value` | `{"some_key": value}`; a next argument that starts with `-` is a value only if it is a number |
| `--some-key` | the same with `true`, when no value follows |
| `--some-key=value` | the same, for values that start with `-` |
| `-k value` | one letter; the next argument is the value, whatever it is; without a next one, `-k` is ignored |
| `--` | everything after it is positional |
| anything else | appended to the list `_positional` |

A value is an integer, else a number, else `true` or `false`, else a string. A key given twice keeps its last value.
"""

import math
import re
from collections import deque
from collections.abc import Sequence

Value = int | float | bool | str
Input = dict[str, Value | list[Value]]

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SHORT = re.compile(r"-[A-Za-z]")
_I64 = range(-(2**63), 2**63)
"""Integers beyond this become numbers with a fraction part: what most JSON readers make of them."""


def input_of(arguments: Sequence[str]) -> Input:
    """The input that the arguments spell, by the table above. Every sequence of arguments spells one."""
    result: Input = {}
    positional: list[Value] = []
    rest = deque(arguments)
    while rest:
        argument = rest.popleft()
        if argument == "--":
            positional += map(typed, rest)
            break
        if argument.startswith("--"):
            key, equals, text = argument[2:].partition("=")
            result[key.replace("-", "_")] = typed(text) if equals else _following(rest)
        elif _SHORT.fullmatch(argument):
            if rest:
                result[argument[1]] = typed(rest.popleft())
        else:
            positional.append(typed(argument))
    return result | {"_positional": positional} if positional else result


def typed(text: str) -> Value:
    """The value that a text on the command line stands for."""
    if _INTEGER.fullmatch(text) and int(text) in _I64:
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text == "true" if text in ("true", "false") else text


def _following(rest: deque[str]) -> Value:
    """The value of a long option: taken from the rest if that starts with one."""
    if rest and (not rest[0].startswith("-") or _NUMBER.fullmatch(rest[0])):
        return typed(rest.popleft())
    return True
