"""How a process's events are shown.

stdout   a terminal: the text as the process sends it, then the return value unless that repeats the text
         a pipe:     the return value alone; with `streaming`, the text as on a terminal
         `as_json`:  one JSON object per event and line
stderr   what the process prints, notes about files, and the error it ends with
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from pie_client.events import Event, ProcessEvent
from pie_client.files import ReceivedFile


@dataclass(slots=True, kw_only=True)
class Printer:
    out: TextIO
    err: TextIO
    streaming: bool
    as_json: bool = False
    quiet: bool = False
    """Leave out what the process prints, and notes."""
    files: Path | None = None
    """Where files go."""
    _sent: list[str] = field(default_factory=list)
    _line_is_open: bool = False

    def note(self, text: str, **fields: object) -> None:
        """Something about the process that is not from it."""
        if self.as_json:
            self._json(fields)
        elif not self.quiet:
            print(text, file=self.err, flush=True)

    def show(self, event: ProcessEvent) -> None:
        """Any event."""
        kind, value = event
        if isinstance(value, ReceivedFile):
            self._file(value)
        elif self.as_json:
            self._json({"event": kind.value, "value": value})
        elif kind is Event.Message:
            self._message(value)
        elif kind is Event.Return:
            self._return(value)
        elif kind is Event.Error:
            self._end_line()
            print(f"pie-client: {value}", file=self.err, flush=True)
        elif not self.quiet:
            self.err.write(value)
            self.err.flush()

    def _message(self, text: str) -> None:
        if self.streaming:
            self._sent.append(text)
            self._write(text)

    def _return(self, text: str) -> None:
        if not (self.streaming and text == "".join(self._sent)):
            self._end_line()
            self._write(text)
        self._end_line()

    def _file(self, file: ReceivedFile) -> None:
        path = file.save(self.files) if self.files is not None else None
        where = f"saved as {path}" if path else "dropped; --files FOLDER keeps files"
        fields = {"name": file.name, "size_bytes": len(file), "path": str(path) if path else None}
        self.note(f"pie-client: a file of {len(file)} bytes was {where}", event="file", **fields)

    def _json(self, fields: dict[str, object]) -> None:
        self.out.write(json.dumps(fields, ensure_ascii=False) + "\n")
        self.out.flush()

    def _write(self, text: str) -> None:
        if text:
            self.out.write(text)
            self.out.flush()
            self._line_is_open = not text.endswith("\n")

    def _end_line(self) -> None:
        if self._line_is_open:
            self._write("\n")
