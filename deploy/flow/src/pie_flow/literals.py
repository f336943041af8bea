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

A tag is needed only where more than one alternative of a union takes the literal.
"""

from pie_flow.catalogue import CATALOGUE, Catalogue
from pie_flow.types import Type
from pie_flow.values import Value


def parse_literal(text: str, kind: Type, catalogue: Catalogue = CATALOGUE) -> Value:
    """The value that the text means against the type. Raises LiteralSyntaxError with the column where they part."""
    raise NotImplementedError


def print_literal(value: Value, kind: Type, catalogue: Catalogue = CATALOGUE) -> str:
    """The text that `parse_literal` reads back as the same value. Raises ValueTypeError when the value is not of the type."""
    raise NotImplementedError
