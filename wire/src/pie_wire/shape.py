"""Plain data (from TOML, JSON, msgpack) into typed structs, with errors that a person can act on.

msgspec decides whether data fits a type. What it says about data that does not fit is turned into a `ShapeError` here: the path
as it would be written in the file, what is allowed in that place, and for an unknown key the nearest valid one.
"""

import difflib
import re
from typing import TypeVar

import msgspec
from msgspec import inspect

from pie_wire.errors import ShapeError

T = TypeVar("T")

_MESSAGE = re.compile(r"(?P<problem>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>[^\]]*)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_CHOICE = re.compile(r"Invalid enum value (.*)")
_EXPECTED = re.compile(r"Expected `(?P<expected>.*?)`(?P<bound> .*?)?(?:, got `(?P<got>.*)`)?")

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
    "null": "nothing",
    "datetime": "a date",
}


def convert(data: object, type_: type[T], *, at: str = "") -> T:
    """`data` as a `type_`. `at` is the path of `data` in what the person wrote. Raises `ShapeError`."""
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        raise _explained(str(error), type_, at) from error


def nearest(name: str, names: list[str]) -> str | None:
    """The one of `names` that a person who wrote `name` most likely meant."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.55)
    return close[0] if close else None


def joined(path: str, key: str) -> str:
    """The path of a key below a path."""
    return f"{path}.{key}" if path else key


def _explained(message: str, type_: type, at: str) -> ShapeError:
    match = _MESSAGE.fullmatch(message)
    assert match is not None
    inner = match["path"] or ""
    path = (at + inner).lstrip(".")
    node = _descend(inspect.type_info(type_), inner)
    problem = match["problem"]
    if unknown := _UNKNOWN.fullmatch(problem):
        return ShapeError(joined(path, unknown[1]), _unknown(unknown[1], _keys(_bare(node))))
    if missing := _MISSING.fullmatch(problem):
        return ShapeError(joined(path, missing[1]), "is missing")
    if choice := _CHOICE.fullmatch(problem):
        return ShapeError(path, f"must be {_alternatives(_bare(node))}, not {choice[1]}")
    if "matching regex" in problem and (examples := _examples(node)):
        return ShapeError(path, f"must be like {examples}")
    if expected := _EXPECTED.fullmatch(problem):
        return ShapeError(path, _mismatch(expected))
    return ShapeError(path, problem)


def _unknown(key: str, keys: list[str]) -> str:
    close = nearest(key, keys)
    return f"unknown key; did you mean `{close}`?" if close else f"unknown key; known here: {', '.join(keys)}"


def _alternatives(node: inspect.Type | None) -> str:
    values = node.values if isinstance(node, inspect.LiteralType) else ()
    return " or ".join(f"'{value}'" for value in values) or "one of the allowed values"


def _examples(node: inspect.Type | None) -> str:
    """What a type's author gave as examples of values."""
    values = (node.extra_json_schema or {}).get("examples", ()) if isinstance(node, inspect.Metadata) else ()
    return ", ".join(f"'{value}'" for value in values)


def _mismatch(expected: re.Match[str]) -> str:
    wanted = " or ".join(_WORDS.get(word, word) for word in expected["expected"].split(" | ") if word != "null")
    bound = f" {expected['bound'].strip()}" if expected["bound"] else ""
    got = f", not {_WORDS.get(expected['got'], expected['got'])}" if expected["got"] else ""
    return f"must be {wanted}{bound}{got}"


def _keys(node: inspect.Type | None) -> list[str]:
    return [field.encode_name for field in node.fields] if isinstance(node, inspect.StructType) else []


def _descend(node: inspect.Type | None, path: str) -> inspect.Type | None:
    """The type at a path below `node`; None if the path leaves what structs, lists and tables can tell."""
    for step in _STEP.finditer(path):
        node = _below(_bare(node), step["key"])
    return node


def _below(node: inspect.Type | None, key: str | None) -> inspect.Type | None:
    if isinstance(node, inspect.StructType):
        return next((field.type for field in node.fields if field.encode_name == key), None)
    if isinstance(node, inspect.ListType | inspect.VarTupleType):
        return node.item_type
    if isinstance(node, inspect.DictType):
        return node.value_type
    return None


def _bare(node: inspect.Type | None) -> inspect.Type | None:
    """The type without annotations, and without the None of an optional."""
    if isinstance(node, inspect.Metadata):
        return _bare(node.type)
    if isinstance(node, inspect.UnionType):
        rest = [kind for kind in node.types if not isinstance(kind, inspect.NoneType)]
        return _bare(rest[0]) if len(rest) == 1 else node
    return node
