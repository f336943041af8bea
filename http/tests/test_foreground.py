import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pie_http.foreground import EXIT_INTERRUPTED, STOPPING, boxed

PROGRAM = """
import asyncio, signal
from pie_http.foreground import Stop, allow_many_connections, say
{before}
async def main():
    stop = Stop()
    stop.heed_signals()
    say("up")
    await stop.wait()
    say("stopping")
    {after}
    say("stopped")
allow_many_connections()
asyncio.run(main())
"""


@contextmanager
def program(*, before: str = "", after: str = "") -> Iterator["subprocess.Popen[str]"]:
    """One that waits for being stopped, and has said so."""
    text = PROGRAM.format(before=before, after=after)
    with subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == "up\n"
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize("number", STOPPING, ids=lambda number: number.name)
def test_a_signal_asks_to_stop(number: signal.Signals) -> None:
    with program(before="signal.signal(signal.SIGINT, signal.default_int_handler)") as child:
        child.send_signal(number)
        _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (0, "stopping\nstopped\n")


def test_a_second_one_ends_the_program_at_once() -> None:
    with program(after="await asyncio.sleep(1000)") as child:
        child.send_signal(signal.SIGTERM)
        assert child.stderr is not None
        assert child.stderr.readline() == "stopping\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == EXIT_INTERRUPTED


def test_a_signal_that_whoever_started_us_wants_ignored_is() -> None:
    with program(before="signal.signal(signal.SIGHUP, signal.SIG_IGN)") as child:
        child.send_signal(signal.SIGHUP)
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (0, "stopping\nstopped\n")


def test_a_box_is_as_wide_as_its_longest_line() -> None:
    assert boxed("Pie", [("API", "http://x"), ("A", "b")]) == [
        "╭─ Pie ─────────╮",
        "│ API  http://x │",
        "│ A    b        │",
        "╰───────────────╯",
    ]
