"""Literals: values as people write them into parameters. A literal means something only against a type.

    -3  0.85  1e-3  nan  inf        an integer is also a Float or Double; sized integers are checked for their range
    true  false
    "text\\n"                        escapes as in JSON; a Char is a string of one character
    b"\\x00abc"                      bytes
    [1, 2]  (1, "a")  (1,)  ()      a comma may end them; (x) is x
    {x: 1, y: 2.5}
    Name(x)  Name                   a named type's value, or an alternative of a union; Name alone where it has no content;
                                    Name(x, y) is Name((x, y))
    <[Int64]>(x)                    an alternative that has no name of its own

A tag is needed only where more than one alternative of a union takes the literal; one whose values have no tag (`pie_flow.values`)
is preferred, and among those a number without a point is an integer.

Text becomes nodes in `pie_flow.literal_nodes`, nodes become a value in `pie_flow.literal_typing`.
"""

import json

from pie_flow import arrays
from pie_flow.catalogue import CATALOGUE, Catalogue
from pie_flow.conform import conform
from pie_flow.errors import ValueTypeError
from pie_flow.literal_nodes import read_nodes
from pie_flow.literal_typing import Typing
from pie_flow.types import UNIT, Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable
from pie_flow.values import Value
from pie_flow.variants import Variant, alternatives, python_class


def parse_literal(text: str, kind: Type, catalogue: Catalogue = CATALOGUE) -> Value:
    """The value that the text means against the type. Raises LiteralSyntaxError with the column where they part."""
    return Typing(catalogue).value(read_nodes(text), kind)


def print_literal(value: Value, kind: Type, catalogue: Catalogue = CATALOGUE) -> str:
    """The text that `parse_literal` reads back as the same value. Raises ValueTypeError when the value is not of the type."""
    return _Printing(catalogue).text(conform(value, kind, catalogue), kind)


class _Printing:
    """From values that conform to text."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def text(self, value: Value, kind: Type) -> str:
        match kind:
            case Atom(name):
                return _atom_text(value, name)
            case ListType(item):
                return f"[{', '.join(self.text(part, item) for part in value)}]"
            case TupleType(kinds):
                texts = [self.text(part, item) for part, item in zip(value, kinds, strict=True)]
                return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"
            case RecordType(fields):
                return "{" + ", ".join(f"{name}: {self.text(value[name], field)}" for name, field in fields) + "}"
            case UnionType():
                return self._union_text(value, kind)
            case NamedType(name):
                content = self._named_text(value, kind)
                # a reader takes the type's own name off, so where the content begins with the same word, the name must stand
                return f"{name}({content})" if content == name or content.startswith(f"{name}(") else content
            case Variable():
                raise ValueTypeError("root", f"nothing says what type {kind} is, so it has no literals")

    def _named_text(self, value: Value, kind: NamedType) -> str:
        is_array = kind.name in arrays.ARRAY_TYPES and self._catalogue is CATALOGUE
        return self.text(arrays.to_record(kind.name, value) if is_array else value, self._catalogue.base(kind))

    def _union_text(self, value: Value, kind: UnionType) -> str:
        options = alternatives(kind)
        if not isinstance(value, Variant):
            bare = next(option for option in options if option.is_bare and python_class(option.type) is type(value))
            return self.text(value, bare.type)
        option = next(option for option in options if option.tag == value.tag)
        tag = option.tag if option.tag.isidentifier() else f"<{option.tag}>"
        if not isinstance(option.type, NamedType):
            return _tagged(tag, self.text(value.value, option.type))
        has_content = self._catalogue.base(option.type) != UNIT
        return _tagged(tag, self._named_text(value.value, option.type)) if has_content or tag[0] == "<" else tag


def _tagged(tag: str, content: str) -> str:
    return f"{tag}{content}" if content.startswith("(") else f"{tag}({content})"


def _atom_text(value: Value, name: str) -> str:
    match name:
        case "Bool":
            return "true" if value else "false"
        case "String" | "Char":
            return quoted(value)
        case "Bytes":
            return f'b"{"".join(map(_byte_text, value))}"'
        case _:
            return repr(value)


def _byte_text(byte: int) -> str:
    if byte in b'"\\':
        return f"\\{byte:c}"
    return chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"


def quoted(text: str) -> str:
    """Text as a String literal."""
    return json.dumps(text, ensure_ascii=False)
