"""Values: what they are in Python, whether they are of a type, and their form in JSON.

    Bool → bool        Int32 … UInt64 → int      Float, Double → float     String → str     Char → str of one character
    Bytes → bytes      [t] → list                (a, b) → tuple            {x: A} → dict
    A | B              the bare value if its Python class tells which alternative it is, else `Variant(tag, value)`; named
                       alternatives are always variants. `Maybe<t>`: `NOTHING` and `just(x)`
    Image              what it stands for, without a tag; the array types (`pie_flow.arrays`: Tensor, Image, DepthImage)
                       are numpy arrays
    t                  a variable that nothing has bound: any value

The tag of an alternative is its name (`Just`, `Int32`), or the printed type where that does not tell it from the others.

JSON: records are objects, lists and tuples arrays, Bytes base64, non-finite floats the strings NaN, Infinity and -Infinity. A
union's value is bare where the JSON kind tells the alternative, else `{"tag": value}`; unions of names without content are
strings; a Maybe is null or the bare value, unless that may itself be null. Arrays are the records that their types stand for.
"""

from dataclasses import dataclass
from typing import Any

from pie_flow.catalogue import CATALOGUE, Catalogue
from pie_flow.types import Type

Value = Any


@dataclass(frozen=True, slots=True)
class Variant:
    """A value of a union that says which alternative it is."""

    tag: str
    value: Value


NOTHING = Variant("Nothing", ())


def just(value: Value) -> Variant:
    return Variant("Just", value)


def conform(value: Value, kind: Type, catalogue: Catalogue = CATALOGUE) -> Value:
    """The value in the form that the table above says. What an author may write instead: an int for a Float or Double, numpy
    scalars, a bare value for a variant where only one alternative takes it, arrays that are not contiguous. Raises ValueTypeError.
    Checkers are made once per type and kept: a call costs about what the value's parts cost.
    """
    raise NotImplementedError


def check(value: Value, kind: Type, catalogue: Catalogue = CATALOGUE) -> None:
    """Raises ValueTypeError, with the path of the part that is wrong, where `conform` does."""
    raise NotImplementedError


def to_json(value: Value, kind: Type, catalogue: Catalogue = CATALOGUE) -> bytes:
    """Compact JSON. The value is checked on the way. Raises ValueTypeError."""
    raise NotImplementedError


def from_json(data: bytes | str, kind: Type, catalogue: Catalogue = CATALOGUE) -> Value:
    """The inverse of `to_json`. Raises ValueTypeError, also for what is not JSON or nested without measure."""
    raise NotImplementedError
