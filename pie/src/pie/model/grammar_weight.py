"""How large grammars are that strangers write, seen without compiling them. Pure.

llguidance bounds the work it does per step, but not what one very long lexeme costs: `a{1000000}` takes seconds per token and half
a gigabyte. The *weight* of a regular expression is the number of characters it stands for when all repetitions are written out; a
step takes some 0.25 µs per unit of it.
"""

import re
from collections.abc import Iterator
from typing import Any

from pie.errors import GrammarError
from pie.limits import GRAMMAR_DEPTH_MAX, GRAMMAR_WEIGHT_MAX

_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<least>\d+),?(?P<most>\d*)\}|(?P<bracket>[()])|.", re.DOTALL)
"""Of a regular expression: an escape, a class, a counted repetition, a bracket, any other character."""

_LEXEME = re.compile(r'//[^\n]*|#[^\n]*|"(?P<text>(?:\\.|[^"\\\n])*)"|/(?P<regex>(?:\\.|[^/\\\n])+)/')
"""In a Lark grammar: comments, texts and regular expressions. JSON schemas in it are texts too."""


def demand_light_regex(regex: str) -> None:
    """Raises `GrammarError` if the expression is too large."""
    if _weight(regex) > GRAMMAR_WEIGHT_MAX:
        raise GrammarError(f"the regular expression is too large: it stands for more than {GRAMMAR_WEIGHT_MAX} characters")


def demand_light_lark(lark: str) -> None:
    """Raises `GrammarError` if a text or regular expression in the grammar is too large."""
    for lexeme in _LEXEME.finditer(lark):
        demand_light_regex(lexeme["text"] or lexeme["regex"] or "")


def demand_light_schema(schema: Any) -> None:
    """Raises `GrammarError` if the schema is too deep, or a text or pattern in it too large."""
    for depth, value in _values(schema):
        if depth > GRAMMAR_DEPTH_MAX:
            raise GrammarError(f"the schema is nested more than {GRAMMAR_DEPTH_MAX} deep")
        if isinstance(value, str):
            demand_light_regex(value)


def _weight(regex: str) -> int:
    open_groups: list[int] = [0]
    last = 0
    """Weight of the atom that a repetition would repeat: part of the sum already."""
    for piece in _PIECE.finditer(regex):
        if piece["least"]:
            times = max(int(piece["least"][:9]), int(piece["most"][:9] or 0))
            open_groups[-1] += last * (times - 1) if times else 0
            last *= max(times, 1)
        elif piece["bracket"] == "(":
            open_groups.append(0)
        elif piece["bracket"] == ")" and len(open_groups) > 1:
            last = open_groups.pop()
            open_groups[-1] += last
        else:
            last = 1
            open_groups[-1] += 1
    return sum(open_groups)


def _values(schema: Any) -> Iterator[tuple[int, Any]]:
    """Everything in it, keys too, and how deep it lies. Does not go deeper than is allowed."""
    left = [(0, schema)]
    while left:
        depth, value = left.pop()
        yield depth, value
        if isinstance(value, dict):
            left += [(depth + 1, one) for pair in value.items() for one in pair]
        elif isinstance(value, list):
            left += [(depth + 1, one) for one in value]
