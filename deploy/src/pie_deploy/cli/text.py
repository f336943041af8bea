"""Values as people read them. What comes from components, graphs and logs is a stranger's: nothing in it may steer the terminal."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

SECOND_NS = 1_000_000_000
UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def printable(text: str) -> str:
    """One line without control characters."""
    return "".join(character if character.isprintable() else " " for character in text)


def when(at_ns: int | None) -> str:
    """RFC 3339, to the second."""
    return "-" if at_ns is None else datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(duration_ns: int) -> str:
    """The two largest units: `2d3h`, `45s`."""
    left = max(0, duration_ns) // SECOND_NS
    parts: list[str] = []
    for unit, seconds in UNITS:
        count, left = divmod(left, seconds)
        if count or parts or unit == "s":
            parts.append(f"{count}{unit}")
    shown = [part for part in parts[:2] if part[0] != "0" or len(parts) == 1]
    return "".join(shown)


def ago(at_ns: int | None, now_ns: int) -> str:
    return "-" if at_ns is None else span(now_ns - at_ns)


def until(at_ns: int | None, now_ns: int) -> str:
    """What is left until then."""
    return "-" if at_ns is None else span(at_ns - now_ns)


def size(size_bytes: float) -> str:
    """`1.5 MiB`."""
    index = 0
    while size_bytes >= 1024 and index < len(SIZES) - 1:
        size_bytes, index = size_bytes / 1024, index + 1
    return f"{size_bytes:.0f} {SIZES[index]}" if index == 0 else f"{size_bytes:.1f} {SIZES[index]}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with columns as wide as they have to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def described(fields: Mapping[str, object]) -> str:
    """`name=value` each, on one line."""
    return printable(" ".join(f"{name}={value}" for name, value in fields.items() if value not in (None, "")))


def joined(words: Sequence[str]) -> str:
    return ", ".join(words) or "-"
