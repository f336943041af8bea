"""From the nodes of a literal to the value that they mean against a type.

A tree of nodes and a type are walked in step. At a union only those alternatives are tried that the node looks like; with one of
them there is nothing to try, and what is wrong inside is told as it is. Tries are counted, and what they refuse is not put into
words, so that a literal made to be wrong in many ways costs no more than others.
"""

import contextlib
import math
from typing import Any, NoReturn

from pie_flow import arrays
from pie_flow.catalogue import CATALOGUE, Catalogue
from pie_flow.conform import FLOAT_MAX, RANGES, wrap
from pie_flow.errors import LiteralSyntaxError, ValueTypeError
from pie_flow.limits import LITERAL_TRIES_MAX
from pie_flow.literal_nodes import Fields, Many, Node, Number, Raw, Row, Tagged, Text, Truth
from pie_flow.types import Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable
from pie_flow.variants import Alternative, alternatives

_FLOATS = ("Double", "Float")


class Typing:
    """Types one literal."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._tries_left = LITERAL_TRIES_MAX
        self._trying = 0
        """Levels of unions whose alternatives are being tried: nobody reads what is refused there."""
        self._options: dict[int, tuple[UnionType, tuple[Alternative, ...]]] = {}
        """By identity of the union, which is kept alive: comparing types would cost as much as making them anew."""
        self._bases: dict[int, tuple[NamedType, Type]] = {}

    def value(self, node: Node, kind: Type) -> Any:
        """Raises LiteralSyntaxError."""
        match kind:
            case UnionType():
                return self._union(node, kind)
            case Atom(name) | NamedType(name) if isinstance(node, Tagged) and node.tag == name:
                return self._content(_untagged(node), kind)
            case _:
                return self._content(node, kind)

    def _content(self, node: Node, kind: Type) -> Any:
        match kind, node:
            case Atom(name), _:
                return self._atom(node, name)
            case ListType(item), Many(_, items):
                return [self.value(part, item) for part in items]
            case TupleType(kinds), Row(_, items):
                if len(items) != len(kinds):
                    self._refuse(node, "{} has {} elements, not {}", kind, len(kinds), len(items))
                return tuple(self.value(part, item) for part, item in zip(items, kinds, strict=True))
            case RecordType(), Fields():
                return self._record(node, kind)
            case NamedType(), _:
                return self._named(node, kind)
            case Variable(), _:
                return self._refuse(node, "nothing says what type {} is, so it has no literals", kind)
            case _:
                return self._refuse(node, "{} is wanted, not {}", kind, node)

    def _record(self, node: Fields, kind: RecordType) -> Any:
        kinds = dict(kind.fields)
        for name, part in node.fields.items():
            if name not in kinds:
                self._refuse(part, "there is no field {} in {}", name, kind)
        for name in kinds:
            if name not in node.fields:
                self._refuse(node, "the field {} is missing", name)
        return {name: self.value(node.fields[name], field) for name, field in kind.fields}

    def _named(self, node: Node, kind: NamedType) -> Any:
        value = self.value(node, self._base(kind))
        if kind.name not in arrays.ARRAY_TYPES or self._catalogue is not CATALOGUE:
            return value
        try:
            return arrays.from_record(kind.name, value)
        except ValueTypeError as error:
            return self._refuse(node, "{}", error.reason)

    def _base(self, kind: NamedType) -> Type:
        found = self._bases.get(id(kind))
        if found is None:
            found = self._bases[id(kind)] = (kind, self._catalogue.base(kind))
        return found[1]

    # --- Unions ------------------------------------------------------------------------------------------------------

    def _union(self, node: Node, kind: UnionType) -> Any:
        options = self._alternatives(kind)
        if isinstance(node, Tagged):
            for option in options:
                if node.tag in (option.tag, option.type):
                    return wrap(option, self._content(_untagged(node), option.type))
        likely = [option for option in options if self._looks_like(node, option.type)]
        if len(likely) == 1:
            return wrap(likely[0], self.value(node, likely[0].type))
        return wrap(*self._preferred(node, kind, self._fitting(node, likely)))

    def _alternatives(self, kind: UnionType) -> tuple[Alternative, ...]:
        found = self._options.get(id(kind))
        if found is None:
            found = self._options[id(kind)] = (kind, alternatives(kind))
        return found[1]

    def _looks_like(self, node: Node, kind: Type) -> bool:
        """Whether the outermost part of a type may take the node."""
        match kind, node:
            case UnionType(), _:
                return any(self._looks_like(node, option.type) for option in self._alternatives(kind))
            case NamedType(name), _:
                return (isinstance(node, Tagged) and node.tag == name) or self._looks_like(node, self._base(kind))
            case Atom(name), Tagged(_, tag):
                return tag == name
            case Atom(name), Number():
                return name in _FLOATS or (name in RANGES and node.is_integer)
            case (
                (ListType(), Many())
                | (Atom("Bool"), Truth())
                | (Atom("String" | "Char"), Text())
                | (Atom("Bytes"), Raw())
                | (RecordType(), Fields())
            ):
                return True
            case TupleType(kinds), Row(_, items):
                return len(kinds) == len(items)
            case _:
                return isinstance(node, Tagged) and node.tag == kind

    def _fitting(self, node: Node, options: list[Alternative]) -> list[tuple[Alternative, Any]]:
        fitting: list[tuple[Alternative, Any]] = []
        self._trying += 1
        for option in options[: self._tries_left]:
            self._tries_left -= 1
            with contextlib.suppress(LiteralSyntaxError):
                fitting.append((option, self.value(node, option.type)))
        self._trying -= 1
        if self._tries_left <= 0:
            raise LiteralSyntaxError("too many ways to read this: say with tags which alternatives are meant", node.column)
        return fitting

    def _preferred(self, node: Node, kind: UnionType, fitting: list[tuple[Alternative, Any]]) -> tuple[Alternative, Any]:
        """The alternative that a literal without a tag means."""
        if not fitting:
            self._refuse(node, "{} is wanted, not {}", kind, node)
        chosen = [found for found in fitting if found[0].is_bare] or fitting
        if len(chosen) > 1:
            chosen = [found for found in chosen if isinstance(found[1], int)] or chosen
        if len(chosen) > 1:
            self._refuse(node, "may be {}: say which with a tag", _Either([option.tag for option, _ in chosen]))
        return chosen[0]

    # --- Atoms -------------------------------------------------------------------------------------------------------

    def _atom(self, node: Node, name: str) -> Any:
        match name, node:
            case "Bool", Truth(_, truth):
                return truth
            case "String", Text(_, text):
                return text
            case "Char", Text(_, text) if len(text) == 1:
                return text
            case "Bytes", Raw(_, data):
                return data
            case "Float" | "Double", Number():
                return self._float(node, name)
            case _, Number() if name in RANGES and node.is_integer:
                return self._integer(node, name)
            case _:
                return self._refuse(node, "{} is wanted, not {}", name, node)

    def _integer(self, node: Number, name: str) -> int:
        low, high = RANGES[name]
        number = int(node.text)
        if not low <= number <= high:
            self._refuse(node, "{} goes from {} to {}", name, low, high)
        return number

    def _float(self, node: Number, name: str) -> float:
        number = float(node.text)
        is_written = node.text.lstrip("-") in ("inf", "nan")
        if not is_written and (math.isinf(number) or (name == "Float" and abs(number) > FLOAT_MAX)):
            self._refuse(node, "beyond the range of {}", name)
        return number

    def _refuse(self, node: Node, reason: str, *parts: object) -> NoReturn:
        raise LiteralSyntaxError("" if self._trying else reason.format(*parts), node.column)


class _Either(list[str]):
    def __str__(self) -> str:
        return " or ".join(self)


def _untagged(node: Tagged) -> Node:
    return Row(node.column, ()) if node.content is None else node.content
