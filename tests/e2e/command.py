"""The `pie` command as a child process: in a pipe, or on a terminal."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 120
"""How long a machine with other things to do may take for anything here."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Command:
    """`pie` with an environment, a home among it."""

    environment: Mapping[str, str]
    folder: Path

    def __call__(self, *arguments: str | Path, given: str = "") -> Done:
        """Run it to its end, with `given` on its stdin."""
        with self.start(*arguments) as child:
            out, err = child.communicate(given, timeout=PATIENCE_S)
        return Done(child.returncode, out, err)

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        return subprocess.Popen(
            _line(arguments), env=self.environment, cwd=self.folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    @contextmanager
    def on_terminal(self, *arguments: str | Path) -> Iterator["Terminal"]:
        ours, its = pty.openpty()

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it as a signal

        child = subprocess.Popen(
            _line(arguments),
            env={**self.environment, "TERM": "xterm"},
            cwd=self.folder,
            stdin=its,
            stdout=its,
            stderr=its,
            preexec_fn=take_terminal,  # noqa: PLW1509 - no threads here
        )
        os.close(its)
        try:
            yield Terminal(child, ours)
        finally:
            child.kill()
            child.wait()
            os.close(ours)


def _line(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-c", "from pie_cli.main import main; main()", *map(str, arguments)]


@dataclass(slots=True)
class Terminal:
    """What a person would see and type."""

    child: "subprocess.Popen[bytes]"
    descriptor: int
    seen: str = ""
    arrivals: list[str] = field(default_factory=list)
    """`seen` in the pieces in which it came."""

    def until(self, text: str) -> None:
        """Wait until this has been shown."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert time.monotonic() < deadline, f"waited for {text!r}, saw {self.seen!r}"
            assert self._read(), f"ended before {text!r}: {self.seen!r}"

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def end(self) -> int:
        """Wait for the end; the exit code."""
        while self._read():
            pass
        return self.child.wait(PATIENCE_S)

    def _read(self) -> bool:
        if not select.select([self.descriptor], [], [], PATIENCE_S)[0]:
            raise TimeoutError(f"nothing came after {self.seen!r}")
        try:
            data = os.read(self.descriptor, 4096)
        except OSError:  # Linux says so when the other side was closed
            return False
        self.arrivals.append(data.decode())
        self.seen += self.arrivals[-1]
        return bool(data)


def interrupt(child: "subprocess.Popen[str]") -> None:
    child.send_signal(signal.SIGINT)


def descendants(mark: str) -> list[int]:
    """OS processes that have this in their environment, whoever their parents are by now."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # it has just ended
            continue
    return found
