"""Lines of a table, aligned, cut to the terminal's width."""

from collections.abc import Sequence


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The last column is cut so that lines have at most `width` characters."""
    lines = [titles, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    return [_line(line, widths)[:width].rstrip() for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
