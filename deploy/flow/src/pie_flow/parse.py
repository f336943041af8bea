"""From text to types. `str(type)` is the way back: `parse_type(str(t)) == t`."""

from pie_flow.types import Type


def parse_type(text: str) -> Type:
    """The type that the text describes. Named types are not looked up: `Catalogue.parse` does both.

    Raises TypeSyntaxError with the column. Bounds: `TYPE_CHARACTERS_MAX`, `TYPE_DEPTH_MAX`, `TYPE_PARTS_MAX`, `ALTERNATIVES_MAX`.
    """
    raise NotImplementedError
