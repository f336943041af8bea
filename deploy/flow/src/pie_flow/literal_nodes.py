r"""From a literal's text to nodes, before anything is known of its type.

literal = number | string | bytes | "true" | "false"
        | "[" list "]" | parenthesised | "{" [ name ":" literal { "," name ":" literal } [ "," ] ] "}"
        | Name [ parenthesised ] | "<" type ">" parenthesised
parenthesised = "(" ")" | "(" literal ")" | "(" literal "," [ literal { "," literal } [ "," ] ] ")"
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pie_flow import limits
from pie_flow.errors import LiteralSyntaxError
from pie_flow.parse import read_type
from pie_flow.scanner import Reader, Word, scan
from pie_flow.types import Type

_WORDS = re.compile(
    r"""(?P<bytes>b"(?:[^"\\]|\\.)*") | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<number>-?(?:[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|inf\b|nan\b))
    | (?P<variable>[a-z_][A-Za-z0-9_]*) | (?P<name>[A-Z][A-Za-z0-9_]*) | (?P<mark>[\[\](){}<>|,:])""",
    re.VERBOSE | re.DOTALL,
)
_BYTES = re.compile(r'[ !#-\[\]-~]|\\x([0-9a-fA-F]{2})|\\([\\"nrt])', re.DOTALL)
_ESCAPES = {"\\": b"\\", '"': b'"', "n": b"\n", "r": b"\r", "t": b"\t"}


@dataclass(frozen=True, slots=True)
class Number:
    column: int
    text: str

    @property
    def is_integer(self) -> bool:
        return self.text.lstrip("-").isdecimal()

    def __str__(self) -> str:
        return f"the number {self.text}"


@dataclass(frozen=True, slots=True)
class Text:
    column: int
    value: str

    def __str__(self) -> str:
        return "a string"


@dataclass(frozen=True, slots=True)
class Raw:
    column: int
    value: bytes

    def __str__(self) -> str:
        return "bytes"


@dataclass(frozen=True, slots=True)
class Truth:
    column: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Many:
    column: int
    items: tuple["Node", ...]

    def __str__(self) -> str:
        return "a list"


@dataclass(frozen=True, slots=True)
class Row:
    column: int
    items: tuple["Node", ...]

    def __str__(self) -> str:
        return f"a tuple of {len(self.items)}"


@dataclass(frozen=True, slots=True)
class Fields:
    column: int
    fields: Mapping[str, "Node"]

    def __str__(self) -> str:
        return "a record"


@dataclass(frozen=True, slots=True)
class Tagged:
    column: int
    tag: str | Type
    content: "Node | None"

    def __str__(self) -> str:
        return f"{self.tag}(…)" if self.content is not None else str(self.tag)


Node = Number | Text | Raw | Truth | Many | Row | Fields | Tagged


def read_nodes(text: str) -> Node:
    """Raises LiteralSyntaxError with the column. Bounds: `LITERAL_CHARACTERS_MAX`, `LITERAL_PARTS_MAX`, `LITERAL_DEPTH_MAX`."""
    if len(text) > limits.LITERAL_CHARACTERS_MAX:
        raise LiteralSyntaxError(f"a literal has at most {limits.LITERAL_CHARACTERS_MAX} characters", 1)
    words = scan(text, _WORDS, LiteralSyntaxError)
    reader = Reader(words, LiteralSyntaxError, parts_max=limits.LITERAL_PARTS_MAX, depth_max=limits.LITERAL_DEPTH_MAX)
    node = _node(reader)
    if reader.next.kind:
        reader.refuse(f"unexpected {reader.next.text[:40]!r} after the literal")
    return node


def _node(reader: Reader) -> Node:
    reader.enter()
    node = _inner(reader, reader.take())
    reader.leave()
    return node


def _inner(reader: Reader, word: Word) -> Node:
    match word.kind:
        case "number":
            return _number(reader, word)
        case "string":
            return Text(word.column, _string(reader, word))
        case "bytes":
            return Raw(word.column, _bytes(word))
        case "[":
            return Many(word.column, () if reader.accept("]") else _items(reader, [_node(reader)], "]"))
        case "(":
            return _parenthesised(reader, word)
        case "{":
            return _fields(reader, word)
        case "name":
            content = _parenthesised(reader, reader.take()) if reader.next.kind == "(" else None
            return Tagged(word.column, word.text, content)
        case "<":
            tag = read_type(reader)
            reader.expect(">")
            return Tagged(word.column, tag, _parenthesised(reader, reader.expect("(")))
        case "variable" if word.text in ("true", "false"):
            return Truth(word.column, word.text == "true")
        case _:
            return reader.refuse(
                f"a literal is wanted, not {word.text[:40]!r}" if word.kind else "a literal is wanted, not the end", word
            )


def _items(reader: Reader, items: list[Node], close: str) -> tuple[Node, ...]:
    """The rest of a list or tuple, up to its closing mark."""
    while reader.more(close):
        items.append(_node(reader))
    return tuple(items)


def _parenthesised(reader: Reader, opening: Word) -> Node:
    if reader.accept(")"):
        return Row(opening.column, ())
    first = _node(reader)
    if reader.accept(")"):
        return first
    return Row(opening.column, _items(reader, [first], ")"))


def _fields(reader: Reader, opening: Word) -> Node:
    fields: dict[str, Node] = {}
    is_open = not reader.accept("}")
    while is_open:
        name = reader.next
        if name.kind != "variable":
            reader.refuse("expected a field's name, which starts with a small letter")
        reader.take()
        if name.text in fields:
            reader.refuse(f"the field {name.text[:40]!r} stands twice", name)
        reader.expect(":")
        fields[name.text] = _node(reader)
        is_open = reader.more("}")
    return Fields(opening.column, fields)


def _number(reader: Reader, word: Word) -> Number:
    if len(word.text) > limits.NUMBER_CHARACTERS_MAX:
        reader.refuse(f"a number has at most {limits.NUMBER_CHARACTERS_MAX} characters", word)
    return Number(word.column, word.text)


def _string(reader: Reader, word: Word) -> str:
    try:
        value: Any = json.loads(word.text, strict=False)
    except json.JSONDecodeError as error:
        raise LiteralSyntaxError("not an escape that JSON knows", word.column + error.pos) from None
    try:
        value.encode()
    except UnicodeEncodeError:
        reader.refuse("text holds half of a surrogate pair", word)
    return str(value)


def _bytes(word: Word) -> bytes:
    data, at, end = bytearray(), 2, len(word.text) - 1
    while at < end:
        match = _BYTES.match(word.text, at, end)
        if match is None:
            raise LiteralSyntaxError(r"in bytes, write ASCII, \xNN, \\, \", \n, \r or \t", word.column + at)
        code, escape = match.groups()
        data += bytes.fromhex(code) if code else _ESCAPES[escape] if escape else match.group().encode()
        at = match.end()
    return bytes(data)
