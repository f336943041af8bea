"""Which columns of a table a terminal has room for, and how wide each is."""

from collections.abc import Collection, Sequence

GAP = 2
"""Between two columns."""
TEXT_MIN = 20
"""Characters that a text keeps when it is cut: fewer say nothing."""


def fitted(widths: Sequence[int], room: int, *, least: Sequence[int], texts: Collection[int]) -> dict[int, int]:
    """The columns that are shown, in order, with their widths. What the reader needs least goes first, until the rest fits; texts
    may be cut, everything else is whole, also where that is wider than the room.

    widths: of the columns as they are. least: columns that may go, in the order in which they go. texts: columns that may be cut.
    """
    shown = {column: min(width, TEXT_MIN) if column in texts else width for column, width in enumerate(widths)}
    for column in least:
        if total_width(shown) <= room:
            break
        del shown[column]
    left = room - total_width(shown)
    for column in [column for column in shown if column in texts]:
        more = max(0, min(left, widths[column] - shown[column]))
        shown[column] += more
        left -= more
    return shown


def total_width(shown: dict[int, int]) -> int:
    return sum(shown.values()) + GAP * max(0, len(shown) - 1)
