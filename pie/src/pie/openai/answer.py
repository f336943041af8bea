"""What a model writes in its turn, taken apart as it comes: reasoning, text, tool calls. Pure.

    <think> REASONING </think> TEXT <tool_call> {"name": NAME, "arguments": {…}} </tool_call> …

Markers are recognised wherever the text is cut into pieces: a piece may end in the middle of one, so the longest tail that could
still become a marker is held back. White space around calls and reasoning is nobody's text and is dropped. Of a call the arguments
are handed on as they come, once the name is known; a call that is written in another order, or with arguments that are no object,
is read as a whole at its end. What is no call at all is given back as the text that it is.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pie.host.stop_text import overlap
from pie.limits import OPENAI_CALL_HEAD_CHARACTERS_MAX

THINK, THINK_END = "<think>", "</think>"
CALL, CALL_END = "<tool_call>", "</tool_call>"

_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)')
_OUTSIDE, _INSIDE = re.compile(r'["{}\[\]<]'), re.compile(r'["\\]')


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    text: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call begun last has all its arguments."""


Event = Text | Reasoning | CallBegun | CallArguments | CallEnded
_State = Literal["start", "text", "reasoning", "head", "whole", "arguments", "tail"]


class AnswerParser:
    """Feed it the model's text; adjacent events of one kind may come in any number of pieces."""

    def __init__(self, *, with_calls: bool, with_reasoning: bool = False, in_reasoning: bool = False) -> None:
        """`in_reasoning`: the prompt ended with the opening of the reasoning."""
        self._with_calls = with_calls
        self._with_reasoning = with_reasoning
        self._state: _State = "reasoning" if in_reasoning else "start"
        self._buffer = ""
        self._space = ""
        """White space that belongs to the text only if more text follows."""
        self._trims = in_reasoning
        """White space is dropped until something else comes."""
        self._object = _ObjectEnd()
        self._searched = 0
        """How much of the buffer is known to hold no end of a call."""
        self.calls = 0
        """Calls that have ended."""
        self._steps: dict[_State, Callable[[bool], Iterator[Event]]] = {
            "start": self._in_start,
            "text": self._in_text,
            "reasoning": self._in_reasoning,
            "head": self._in_head,
            "whole": self._in_whole,
            "arguments": self._in_arguments,
            "tail": self._in_tail,
        }

    def feed(self, piece: str) -> list[Event]:
        self._buffer += piece
        return list(self._events(final=False))

    def flush(self) -> list[Event]:
        """What was held back, now that nothing follows."""
        return list(self._events(final=True))

    def _events(self, *, final: bool) -> Iterator[Event]:
        while True:
            state = self._state
            yield from self._steps[state](final)
            if self._state == state:
                return

    def _in_start(self, final: bool) -> Iterator[Event]:
        """Reasoning stands in front of everything else, or nowhere."""
        stripped = self._buffer.lstrip()
        if self._with_reasoning and stripped.startswith(THINK):
            self._buffer = stripped[len(THINK) :]
            self._state, self._trims = "reasoning", True
        elif final or not self._with_reasoning or not THINK.startswith(stripped):
            self._state = "text"
        yield from ()

    def _in_reasoning(self, final: bool) -> Iterator[Event]:
        text, found = self._until(THINK_END, final)
        if kept := self._without_outer_space(text):
            yield Reasoning(kept)
        if found:
            self._state, self._space, self._trims = "text", "", True

    def _in_text(self, final: bool) -> Iterator[Event]:
        text, found = self._until(CALL, final) if self._with_calls else (self._take_all(), False)
        if kept := self._without_outer_space(text):
            yield Text(kept)
        if found:
            self._state, self._space, self._searched = "head", "", 0
        elif final and self._space:
            yield Text(self._space)
            self._space = ""

    def _in_head(self, final: bool) -> Iterator[Event]:
        """Up to where the arguments begin."""
        end = self._buffer.find(CALL_END)
        head = self._buffer[: OPENAI_CALL_HEAD_CHARACTERS_MAX if end < 0 else min(end, OPENAI_CALL_HEAD_CHARACTERS_MAX)]
        if match := _HEAD.match(head):
            name = _parsed(match[1])
            self._buffer = self._buffer[match.end() :]
            self._state, self._object = "arguments", _ObjectEnd()
            yield CallBegun(name if isinstance(name, str) else match[1])
        elif final or end >= 0 or len(head) == OPENAI_CALL_HEAD_CHARACTERS_MAX:
            self._state = "whole"

    def _in_whole(self, final: bool) -> Iterator[Event]:
        """A call that has to be complete to be understood."""
        end = self._buffer.find(CALL_END, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(CALL_END))
            if final and self._buffer:
                yield Text(CALL + self._take_all())
            return
        raw, self._buffer = self._buffer[:end], self._buffer[end + len(CALL_END) :]
        self._state, self._trims = "text", True
        call = _call(raw)
        if call is None:
            self._trims = False
            yield Text(CALL + raw + CALL_END)
        else:
            self.calls += 1
            yield from (CallBegun(call[0]), CallArguments(call[1]), CallEnded())

    def _in_arguments(self, final: bool) -> Iterator[Event]:
        length = self._object.feed(self._buffer)
        arguments, self._buffer = self._buffer[:length], self._buffer[length:]
        if self._object.over:
            self._state = "tail"
        if arguments:
            yield CallArguments(arguments)

    def _in_tail(self, final: bool) -> Iterator[Event]:
        """What closes the call is of no interest."""
        _, found = self._until(CALL_END, final)
        if found or final:
            self._state, self._trims = "text", True
            self.calls += 1
            yield CallEnded()

    def _until(self, marker: str, final: bool) -> tuple[str, bool]:
        """Takes the text up to a marker, and the marker; or what is certainly not part of one."""
        at = self._buffer.find(marker)
        if at >= 0:
            text, self._buffer = self._buffer[:at], self._buffer[at + len(marker) :]
            return text, True
        keep = 0 if final else overlap(self._buffer, marker)
        cut = len(self._buffer) - keep
        text, self._buffer = self._buffer[:cut], self._buffer[cut:]
        return text, False

    def _take_all(self) -> str:
        text, self._buffer = self._buffer, ""
        return text

    def _without_outer_space(self, text: str) -> str:
        """Without white space at the end, which waits for what follows, nor at a start where it is dropped."""
        whole = text.lstrip() if self._trims else self._space + text
        kept = whole.rstrip()
        if kept:
            self._trims = False
        self._space = whole[len(kept) :]
        return kept


class _ObjectEnd:
    """Finds where a JSON object ends, piece by piece. It need not be valid: strings and brackets are all that is looked at."""

    def __init__(self) -> None:
        self.over = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, piece: str) -> int:
        """How many characters of the piece belong to the object."""
        at = 0
        while at < len(piece) and not self.over:
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_INSIDE if self._in_string else _OUTSIDE).search(piece, at)
            if found is None:
                return len(piece)
            at = found.start() + self._see(found[0])
        return at

    def _see(self, character: str) -> int:
        """How many of this character belong to the object: 1, or 0 of one that JSON has not outside strings."""
        if character == '"':
            self._in_string = not self._in_string
        elif character == "\\":
            self._escaped = True
        elif character in "{[":
            self._depth += 1
        elif character == "<":
            self.over = True
            return 0
        else:
            self._depth -= 1
            self.over = self._depth == 0
        return 1


def _call(raw: str) -> tuple[str, str] | None:
    """Name and arguments of a whole call; None if it is none."""
    call = _parsed(raw)
    if not (isinstance(call, dict) and isinstance(name := call.get("name"), str)):
        return None
    arguments = call.get("arguments", call.get("parameters", {}))
    return name, arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _parsed(text: str) -> object:
    """None for what is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
