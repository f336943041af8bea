"""How `pie run` shows what a process says.

stdout   a terminal: the text as the program sends it, then the return value unless that repeats the text
         a pipe:     the return value alone (with `as_json`: one object with everything)
stderr   what the program prints (with `relay_stdout` its stdout goes to ours), which files it sends, and the error it ends with
"""

import json
from dataclasses import dataclass, field
from typing import TextIO

from pie.processes.events import ProcessEvent


@dataclass(slots=True, kw_only=True)
class Printer:
    out: TextIO
    err: TextIO
    streaming: bool
    """Whether messages are shown on `out` as they come."""
    relay_stdout: bool = False
    quiet: bool = False
    """Leave out what the program prints."""
    as_json: bool = False
    _sent: list[str] = field(default_factory=list)
    _line_is_open: bool = False

    def show(self, event: ProcessEvent) -> None:
        """An event that is not the last."""
        if event.kind == "message":
            self._sent.append(event.value)
            if self.streaming and not self.as_json:
                self._write(event.value)
        elif event.kind == "stdout" and self.relay_stdout and not self.as_json:
            self._write(event.value)
        elif event.kind == "file":
            self._note(f"the program sent a file, {event.value!r} of {len(event.data)} bytes; `pie run` keeps none")
        elif not self.quiet:
            self.err.write(event.value)
            self.err.flush()

    def finish(self, event: ProcessEvent, elapsed_s: float) -> None:
        """The terminal event."""
        if self.as_json:
            self._write(json.dumps({event.kind: event.value, "messages": self._sent, "elapsed_s": round(elapsed_s, 3)}))
        elif event.kind == "return" and not (self.streaming and event.value == "".join(self._sent)):
            self._end_line()
            self._write(event.value)
        self._end_line()
        if event.kind == "error":
            print(f"pie run: {event.value}", file=self.err, flush=True)

    def _note(self, text: str) -> None:
        if not self.quiet:
            print(f"pie: {text}", file=self.err, flush=True)

    def _write(self, text: str) -> None:
        if text:
            self.out.write(text)
            self.out.flush()
            self._line_is_open = not text.endswith("\n")

    def _end_line(self) -> None:
        if self._line_is_open:
            self._write("\n")
