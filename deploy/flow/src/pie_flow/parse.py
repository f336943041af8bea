"""From text to types. `str(type)` is the way back: `parse_type(str(t)) == t`.

union   = single { "|" single }
single  = "[" union "]"
        | "(" ")" | "(" union "," ")" | "(" union { "," union } [ "," ] ")"        (a) is a
        | "{" [ name ":" union { "," name ":" union } [ "," ] ] "}"
        | Name [ "<" union { "," union } ">" ]
        | variable                                                                 starts with a small letter or _
"""

import re

from pie_flow import limits, unions
from pie_flow.errors import TypeSyntaxError
from pie_flow.scanner import Reader, Word, scan
from pie_flow.types import ATOMS, Atom, ListType, NamedType, TupleType, Type, UnionType, Variable, record, union

_WORDS = re.compile(r"(?P<variable>[a-z_][A-Za-z0-9_]*)|(?P<name>[A-Z][A-Za-z0-9_]*)|(?P<mark>[\[\](){}<>|,:])")


def parse_type(text: str) -> Type:
    """The type that the text describes. Named types are not looked up: `Catalogue.parse` does both.

    Raises TypeSyntaxError with the column. Bounds: `TYPE_CHARACTERS_MAX`, `TYPE_DEPTH_MAX`, `TYPE_PARTS_MAX`, `ALTERNATIVES_MAX`.
    """
    if len(text) > limits.TYPE_CHARACTERS_MAX:
        raise TypeSyntaxError(f"a type has at most {limits.TYPE_CHARACTERS_MAX} characters", limits.TYPE_CHARACTERS_MAX + 1)
    words = scan(text, _WORDS, TypeSyntaxError)
    reader = Reader(words, TypeSyntaxError, parts_max=limits.TYPE_PARTS_MAX, depth_max=limits.TYPE_DEPTH_MAX)
    kind = read_type(reader)
    if reader.next.kind:
        reader.refuse(f"unexpected {reader.next.text!r} after the type")
    height, size = unions.extent(kind)
    if height > limits.TYPE_DEPTH_MAX or size > limits.TYPE_PARTS_MAX:
        raise TypeSyntaxError("too large" if size > limits.TYPE_PARTS_MAX else "nested too deeply", 1)
    return kind


def read_type(reader: Reader) -> Type:
    """A type from where the reader stands; also for literals, which may hold types as tags."""
    reader.enter()
    start = reader.next
    alternatives = [_single(reader)]
    while reader.accept("|"):
        alternatives.append(_single(reader))
    reader.leave()
    if len(alternatives) == 1:
        return alternatives[0]
    whole = union(alternatives)
    if isinstance(whole, UnionType):
        if len(whole.alternatives) > limits.ALTERNATIVES_MAX:
            reader.refuse(f"a union has at most {limits.ALTERNATIVES_MAX} alternatives", start)
        if reason := unions.fault(whole.alternatives):
            reader.refuse(reason, start)
    return whole


def _single(reader: Reader) -> Type:
    word = reader.take()
    match word.kind:
        case "[":
            item = read_type(reader)
            reader.expect("]")
            return ListType(item)
        case "(":
            return _parenthesised(reader)
        case "{":
            return _record(reader)
        case "name":
            return _named(reader, _identifier(reader, word))
        case "variable":
            return Variable(_identifier(reader, word))
        case _:
            return reader.refuse(f"expected a type, found {word.text!r}" if word.kind else "expected a type, found the end", word)


def _parenthesised(reader: Reader) -> Type:
    if reader.accept(")"):
        return TupleType(())
    first = read_type(reader)
    if reader.accept(")"):
        return first
    items = [first]
    while reader.more(")"):
        items.append(read_type(reader))
    return TupleType(tuple(items))


def _record(reader: Reader) -> Type:
    fields: dict[str, Type] = {}
    if reader.accept("}"):
        return record(())
    while True:
        word = reader.next
        if word.kind != "variable":
            reader.refuse("expected a field's name, which starts with a small letter")
        reader.take()
        if _identifier(reader, word) in fields:
            reader.refuse(f"the field {word.text!r} stands twice", word)
        reader.expect(":")
        fields[word.text] = read_type(reader)
        if not reader.more("}"):
            return record(fields.items())


def _named(reader: Reader, name: str) -> Type:
    if name in ATOMS:
        if reader.next.kind == "<":
            reader.refuse(f"{name} takes no arguments")
        return Atom(name)
    if not reader.accept("<"):
        return NamedType(name)
    arguments = [read_type(reader)]
    while reader.more(">"):
        arguments.append(read_type(reader))
    return NamedType(name, tuple(arguments))


def _identifier(reader: Reader, word: Word) -> str:
    if len(word.text) > limits.IDENTIFIER_CHARACTERS_MAX:
        reader.refuse(f"a name has at most {limits.IDENTIFIER_CHARACTERS_MAX} characters", word)
    return word.text
