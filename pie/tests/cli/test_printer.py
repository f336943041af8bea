"""What `pie run` shows of a process."""

import io

import pytest

from pie.processes.events import ProcessEvent
from pie_cli.printer import Printer


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def err() -> io.StringIO:
    return io.StringIO()


def test_a_pipe_gets_the_return_value_alone(out: io.StringIO, err: io.StringIO) -> None:
    printer = Printer(out=out, err=err, streaming=False)
    printer.show(ProcessEvent("message", "a message"))
    printer.show(ProcessEvent("stdout", "a print\n"))
    printer.finish(ProcessEvent("return", "value"), 0.1)
    assert (out.getvalue(), err.getvalue()) == ("value\n", "a print\n")


def test_a_file_is_told_of_and_its_name_cannot_steer_a_terminal(out: io.StringIO, err: io.StringIO) -> None:
    Printer(out=out, err=err, streaming=False).show(ProcessEvent("file", "a\x1b[2J", b"1234"))
    assert err.getvalue() == "pie: the program sent a file, 'a\\x1b[2J' of 4 bytes; `pie run` keeps none\n"


def test_a_quiet_run_tells_of_no_file(out: io.StringIO, err: io.StringIO) -> None:
    Printer(out=out, err=err, streaming=False, quiet=True).show(ProcessEvent("file", "a", b""))
    assert err.getvalue() == ""
