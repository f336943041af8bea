"""Tells a person who waits what is going on: a spinner on a terminal, a line each elsewhere, nothing if asked to be quiet."""

import sys
from types import TracebackType
from typing import Self, TextIO


class Progress:
    """To be used as a context manager; `say` from any thread."""

    def __init__(self, *, quiet: bool, stream: TextIO = sys.stderr) -> None:
        self._quiet = quiet
        self._stream = stream
        self._status: object | None = None

    def say(self, text: str) -> None:
        if self._quiet:
            return
        if not self._stream.isatty():
            print(f"pie: {text}", file=self._stream, flush=True)
            return
        from rich.console import Console  # only where there is a terminal: it takes 50 ms to import
        from rich.status import Status

        if isinstance(self._status, Status):
            self._status.update(text)
        else:
            self._status = Status(text, console=Console(file=self._stream))
            self._status.start()

    def done(self) -> None:
        """Nothing to wait for any more."""
        if self._status is None:
            return
        from rich.status import Status

        if isinstance(self._status, Status):
            self._status.stop()
        self._status = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.done()
