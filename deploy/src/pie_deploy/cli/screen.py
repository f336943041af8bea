"""What a command prints: tables for people, JSON for programs, one line of JSON each for what goes on.

On a terminal tables are coloured and have the columns for which there is room (`--wide`: all); in a pipe they are plain and
whole. Results go to stdout, the rest to stderr.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from pie_deploy.cli.fitting import GAP, fitted, total_width
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


@dataclass(frozen=True, slots=True)
class Columns(Generic[T]):
    """What a table shows of a row."""

    cells: Mapping[str, Callable[[T], object]]
    """What stands in each column, by the column's title."""
    least: tuple[str, ...] = ()
    """Titles of the columns that a narrow terminal does without, those first that say least."""
    texts: tuple[str, ...] = ()
    """Titles of the columns that it may cut: sentences, not names, ids and URLs."""


class Listing(Generic[T]):
    """Rows under titles."""

    def __init__(self, columns: Columns[T], rows: Iterable[T], *, empty: str = "") -> None:
        self.titles = list(columns.cells)
        self.values = list(rows)
        self.cells = [[_cell(cell(row)) for cell in columns.cells.values()] for row in self.values]
        self.least = [self.titles.index(title) for title in columns.least]
        self.texts = {self.titles.index(title) for title in columns.texts}
        self.empty = empty

    def lines(self) -> list[str]:
        """As plain text."""
        return table([self.titles, *self.cells])


def show(listing: Listing[Any], *, as_json: bool, wide: bool = False) -> None:
    if as_json:
        show_json(listing.values)
    elif not listing.cells:
        say(listing.empty or "there are none")
    elif sys.stdout.isatty():
        print_on(_console(), listing, wide=wide)
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


def watch(
    look: Callable[[], Listing[Any]], *, as_json: bool, wide: bool = False, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Look again and again until Ctrl-C; on a terminal in place, elsewhere whenever something has changed."""
    if sys.stdout.isatty() and not as_json:
        _watch_in_place(look, sleep, wide=wide)
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


def _watch_in_place(look: Callable[[], Listing[Any]], sleep: Callable[[float], None], *, wide: bool) -> None:
    from rich.live import Live

    console = _console()

    def seen() -> Any:
        listing = look()
        return _coloured(listing, _shown(listing, None if wide else console.width))

    with Live(seen(), console=console, auto_refresh=False) as live:
        while True:
            sleep(WATCH_S)
            live.update(seen(), refresh=True)


def print_on(console: Any, listing: Listing[Any], *, wide: bool) -> None:
    """Names are whole, also where the terminal has to fold the lines: what is cut cannot be copied."""
    shown = _shown(listing, None if wide else console.width)
    console.width = max(console.width, total_width(shown))
    console.print(_coloured(listing, shown))


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _shown(listing: Listing[Any], room: int | None) -> dict[int, int]:
    """Columns and their widths; room: in characters, None: as much as there has to be."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(listing.titles, *listing.cells, strict=True)]
    return dict(enumerate(widths)) if room is None else fitted(widths, room, least=listing.least, texts=listing.texts)


def _coloured(listing: Listing[Any], shown: dict[int, int]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for column, width in shown.items():
        cut = column in listing.texts
        table.add_column(listing.titles[column], max_width=width, no_wrap=cut, overflow="ellipsis" if cut else "fold")
    for cells in listing.cells:
        table.add_row(*(Text(cells[column], style=COLOURS.get(cells[column], "")) for column in shown))
    return table


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value))
