import io
import json
import re
from typing import Any

import pytest
from rich.console import Console

from pie_deploy.cli import screen
from pie_deploy.cli.screen import Columns, Listing, show, show_facts, watch

COLUMNS: Columns[tuple[str, int | None]] = Columns({"NAME": lambda row: row[0], "COUNT": lambda row: row[1]})


def listing(*rows: tuple[str, int | None]) -> Listing[tuple[str, int | None]]:
    return Listing(COLUMNS, rows, empty="nothing")


def on_terminal(shown: Listing[Any], width: int, *, wide: bool = False) -> str:
    """What a terminal of that width is given."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system="standard", markup=False, highlight=False)
    screen.print_on(console, shown, wide=wide)
    return file.getvalue()


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]


def test_a_table_has_a_dash_where_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing(("a", None), ("bcdef", 0)), as_json=False)
    assert capsys.readouterr().out == "NAME   COUNT\na      -\nbcdef  0\n"


def test_in_a_pipe_a_row_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing(("x" * 1000, 1)), as_json=False)
    assert "x" * 1000 + "  1\n" in capsys.readouterr().out


def test_what_steers_a_terminal_does_not_reach_it(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing(("\x1b[31m\n\u202eevil", 1)), as_json=False)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert len(out.splitlines()) == 2


def test_programs_get_the_rows_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing(("\x1b", 1)), as_json=True)
    assert json.loads(capsys.readouterr().out) == [["\x1b", 1]]


def test_on_a_terminal_a_state_has_a_colour() -> None:
    assert "\x1b[31mfailed\x1b[0m" in on_terminal(listing(("failed", 1)), 80)
    assert "\x1b[31m" not in on_terminal(listing(("[red]x[/red]", 1)), 80)


WIDE: Columns[str] = Columns(
    {"ID": lambda row: row, "STATE": lambda row: "running", "AGE": lambda row: "5m", "ERROR": lambda row: "no " * 30},
    least=("AGE",),
    texts=("ERROR",),
)


def test_a_narrow_terminal_does_without_what_says_least_and_cuts_sentences() -> None:
    titles, row = lines(on_terminal(Listing(WIDE, ["i" * 30]), 64))
    assert titles.split() == ["ID", "STATE", "ERROR"]
    assert row.split()[0] == "i" * 30
    assert len(row) <= 64
    assert row.endswith("…")


def test_names_are_whole_also_where_the_terminal_is_narrower() -> None:
    assert "i" * 100 in on_terminal(Listing(WIDE, ["i" * 100]), 40)


def test_wide_is_everything() -> None:
    titles, row = lines(on_terminal(Listing(WIDE, ["i"]), 40, wide=True))
    assert titles.split() == ["ID", "STATE", "AGE", "ERROR"]
    assert row.count("no") == 30


def test_facts_that_say_nothing_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    show_facts({"Name": "a", "Lease": None, "Note": "", "Restarts": 0, "Locked": False})
    assert capsys.readouterr().out == "Name:      a\nRestarts:  0\nLocked:    no\n"


class _Enough(Exception):
    """Ctrl-C."""


def test_what_is_watched_is_shown_whenever_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    seen = [listing(("a", 1)), listing(("a", 1)), listing(("a", 2))]

    def sleep(_: float) -> None:
        if not seen:
            raise _Enough

    with pytest.raises(_Enough):
        watch(lambda: seen.pop(0), as_json=True, sleep=sleep)
    assert capsys.readouterr().out == '[["a",1]]\n[["a",2]]\n'


def test_a_watched_table_is_told_from_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    def sleep(_: float) -> None:
        raise _Enough

    with pytest.raises(_Enough):
        watch(lambda: listing(("a", 1)), as_json=False, sleep=sleep)
    assert capsys.readouterr().out == "NAME  COUNT\na     1\n\n"
