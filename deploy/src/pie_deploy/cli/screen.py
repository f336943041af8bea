"""What a command prints: tables for people, JSON for programs, one line of JSON each for what goes on.

On a terminal tables are coloured and cut to its width; in a pipe they are plain and whole. Results go to stdout, the rest to
stderr.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from pie_deploy.cli.text import printable, table

T = TypeVar("T")

WATCH_S = 1.0
"""Between two looks at what moves."""

COLOURS: Mapping[str, str] = {
    "running": "green",
    "ready": "green",
    "released": "green",
    "committed": "green",
    "open": "green",
    "deploying": "yellow",
    "tearing_down": "yellow",
    "backoff": "yellow",
    "locked": "yellow",
    "draining": "yellow",
    "failed": "red",
    "exited": "red",
    "lost": "red",
}

Columns = Mapping[str, Callable[[T], object]]
"""What stands in each column of a row, by the column's title."""


class Listing(Generic[T]):
    """Rows under titles."""

    def __init__(self, columns: Columns[T], rows: Iterable[T], *, empty: str = "") -> None:
        self.titles = list(columns)
        self.values = list(rows)
        self.cells = [[_cell(cell(row)) for cell in columns.values()] for row in self.values]
        self.empty = empty

    def lines(self) -> list[str]:
        """As plain text."""
        return table([self.titles, *self.cells])


def show(listing: Listing[Any], *, as_json: bool) -> None:
    if as_json:
        show_json(listing.values)
    elif not listing.cells:
        say(listing.empty or "there are none")
    elif sys.stdout.isatty():
        _console().print(_coloured(listing))
    else:
        print("\n".join(listing.lines()), flush=True)


def show_facts(facts: Mapping[str, object]) -> None:
    """One thing, a line for each of its properties that says something."""
    rows = [(f"{name}:", _cell(value)) for name, value in facts.items() if value not in (None, "", (), "-")]
    print("\n".join(table(rows)), flush=True)


def show_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), flush=True)


def show_line(value: object) -> None:
    """One line of JSON in a stream of them."""
    print(msgspec.json.encode(value).decode(), flush=True)


def show_done(text: str, result: object, *, as_json: bool) -> None:
    """What a command has done: a sentence for people, the row that it made or changed for programs."""
    if as_json:
        show_json(result)
    else:
        print(f"✓ {printable(text)}", flush=True)


def say(text: str) -> None:
    """To whoever watches; stdout is for results."""
    print(f"pie: {printable(text)}", file=sys.stderr, flush=True)


def watch(look: Callable[[], Listing[Any]], *, as_json: bool, sleep: Callable[[float], None] = time.sleep) -> None:
    """Look again and again until Ctrl-C; on a terminal in place, elsewhere whenever something has changed."""
    if sys.stdout.isatty() and not as_json:
        _watch_in_place(look, sleep)
        return
    before: Sequence[object] | None = None
    while True:
        listing = look()
        if listing.values != before:
            before = listing.values
            if as_json:
                show_line(listing.values)
            else:
                print("\n".join([*listing.lines(), ""]), flush=True)
        sleep(WATCH_S)


def _watch_in_place(look: Callable[[], Listing[Any]], sleep: Callable[[float], None]) -> None:
    from rich.live import Live

    with Live(_coloured(look()), console=_console(), auto_refresh=False) as live:
        while True:
            sleep(WATCH_S)
            live.update(_coloured(look()), refresh=True)


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _coloured(listing: Listing[Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    shown = Table(*listing.titles, box=None, pad_edge=False, header_style="bold")
    for column in shown.columns[:-1]:
        column.no_wrap = True
    shown.columns[-1].overflow = "fold"  # a URL is there to be copied
    for cells in listing.cells:
        shown.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in cells))
    return shown


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value))
