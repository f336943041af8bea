"""`/v1/chat/completions` in JSON: one object, or the chunks of a stream. Pure.

A chunk is put together from bytes made once per stream: only the text is encoded anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pie.openai.answer import CallArguments, CallBegun, CallEnded, Event, Reasoning, Text
from pie.openai.turn import Step

Json = dict[str, Any]
NewId = Callable[[], str]

encode = msgspec.json.encode

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Heading:
    """What all chunks of an answer, and the whole answer, begin with."""

    id: str
    created: int
    model: str
    fingerprint: str

    def object(self, kind: str) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


class ChatChunks:
    """The chunks of one choice."""

    def __init__(self, heading: Heading, index: int, *, with_usage: bool, new_id: NewId) -> None:
        """`with_usage`: every chunk has a `usage` of null, as the one at the end has the numbers."""
        self._head = event_head(heading, "chat.completion.chunk") + b',"choices":[{"index":%d,"delta":' % index
        self._tail = b"}]" + (b',"usage":null' if with_usage else b"") + b"}\n\n"
        self._end = b',"logprobs":null,"finish_reason":null' + self._tail
        self._new_id = new_id
        self._calls = 0
        self._begun = False

    def step(self, step: Step, logprobs: Sequence[Json] | None) -> bytes:
        """The chunks of a step; `logprobs` stand in the first of them. None: there are no logprobs."""
        deltas = [self._delta(event) for event in step.events if not isinstance(event, CallEnded)]
        ends = [self._end] * len(deltas)
        if logprobs:
            deltas, ends = deltas or [b'{"content":""}'], ends or [self._end]
            known = encode({"content": logprobs, "refusal": None})
            ends[0] = b',"logprobs":' + known + b',"finish_reason":null' + self._tail
        if not self._begun:
            self._begun = True
            deltas.insert(0, b'{"role":"assistant","content":"","refusal":null}')
            ends.insert(0, self._end)
        if step.finish is not None:
            deltas.append(b"{}")
            ends.append(b',"logprobs":null,"finish_reason":"' + step.finish.encode() + b'"' + self._tail)
        return b"".join([self._head + delta + end for delta, end in zip(deltas, ends, strict=True)])

    def _delta(self, event: Event) -> bytes:
        match event:
            case Text(text):
                return b'{"content":' + encode(text) + b"}"
            case Reasoning(text):
                return b'{"reasoning_content":' + encode(text) + b"}"
            case CallBegun(name):
                self._calls += 1
                call = {"index": self._calls - 1, "id": f"call_{self._new_id()}", "type": "function"}
                return encode({"tool_calls": [call | {"function": {"name": name, "arguments": ""}}]})
            case CallArguments(text):
                return encode({"tool_calls": [{"index": self._calls - 1, "function": {"arguments": text}}]})
            case CallEnded():
                raise AssertionError("the end of a call has no chunk")


def event_head(heading: Heading, kind: str) -> bytes:
    """The beginning of a server-sent event, up to the last field that all of a stream share."""
    return b"data: " + encode(heading.object(kind))[:-1]


def usage_chunk(heading: Heading, kind: str, usage: Json) -> bytes:
    return event_head(heading, kind) + b',"choices":[],"usage":' + encode(usage) + b"}\n\n"


def chat_choice(index: int, step: Step, logprobs: Sequence[Json] | None, new_id: NewId) -> Json:
    """A whole answer as an entry of `choices`."""
    calls = tool_calls(step.events, new_id)
    text = "".join([event.text for event in step.events if isinstance(event, Text)])
    reasoning = "".join([event.text for event in step.events if isinstance(event, Reasoning)])
    message: Json = {"role": "assistant", "content": text if text or not calls else None, "refusal": None}
    if reasoning:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = calls
    return {
        "index": index,
        "message": message,
        "logprobs": None if logprobs is None else {"content": logprobs, "refusal": None},
        "finish_reason": step.finish,
    }


def tool_calls(events: Sequence[Event], new_id: NewId) -> list[Json]:
    """The calls among the events, arguments put together."""
    calls: list[Json] = []
    for event in events:
        if isinstance(event, CallBegun):
            calls.append({"id": f"call_{new_id()}", "type": "function", "function": {"name": event.name, "arguments": ""}})
        elif isinstance(event, CallArguments):
            calls[-1]["function"]["arguments"] += event.text
    return calls
