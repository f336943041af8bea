"""The output items of a response, growing with the answer; and the stream's events that tell of it. Pure.

    output_item.added ▶ content_part.added ▶ output_text.delta … ▶ output_text.done ▶ content_part.done ▶ output_item.done
    output_item.added ▶ function_call_arguments.delta … ▶ function_call_arguments.done ▶ output_item.done

Reasoning goes as text does, under its own names. One item is open at a time.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pie.openai.answer import CallArguments, CallBegun, CallEnded, Event, Reasoning, Text
from pie.openai.requests import CalledFunction, ChatMessage, ToolCall

Json = dict[str, Any]
Status = Literal["in_progress", "completed", "incomplete"]


class ResponseOutput:
    def __init__(self, new_id: Callable[[], str]) -> None:
        self.items: list[Json] = []
        """As far as they have come."""
        self._new_id = new_id
        self._open: Json | None = None

    def feed(self, events: Sequence[Event], logprobs: Sequence[Json] = ()) -> list[Json]:
        """The stream's events for what has come. Logprobs are those of all of it; they stand with its text."""
        told: list[Json] = []
        left = list(logprobs)
        for event in events:
            match event:
                case Text(text):
                    told += self._text(text, "message", left)
                    left = []
                case Reasoning(text):
                    told += self._text(text, "reasoning", [])
                case CallBegun(name):
                    told += self._begin_call(name)
                case CallArguments(text):
                    told.append(self._arguments(text))
                case CallEnded():
                    told += self._close("completed")
        return told

    def finish(self, status: Status) -> list[Json]:
        """The answer is over. An answer of nothing is an empty message."""
        told: list[Json] = []
        if not self.items:
            told += self._text("", "message", [])
        return told + self._close(status)

    def message(self) -> ChatMessage:
        """The answer as what a later request goes on from."""
        texts = [part["text"] for item in self.items if item["type"] == "message" for part in item["content"]]
        calls = [
            ToolCall(item["call_id"], CalledFunction(item["name"], item["arguments"]))
            for item in self.items
            if item["type"] == "function_call"
        ]
        return ChatMessage(role="assistant", content="".join(texts), tool_calls=calls or None)

    def _text(self, text: str, kind: Literal["message", "reasoning"], logprobs: list[Json]) -> list[Json]:
        told = [] if self._open is not None and self._open["type"] == kind else self._begin_text(kind)
        assert self._open is not None
        part = self._open["content"][0]
        part["text"] += text
        delta = self._event(f"response.{part['type']}.delta", content_index=0, delta=text)
        if kind == "message":
            part["logprobs"] += logprobs
            delta["logprobs"] = logprobs
        return [*told, delta] if text or logprobs else told

    def _begin_text(self, kind: Literal["message", "reasoning"]) -> list[Json]:
        if kind == "message":
            item: Json = {"type": kind, "id": f"msg_{self._new_id()}", "status": "in_progress", "role": "assistant", "content": []}
            part: Json = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        else:
            item = {"type": kind, "id": f"rs_{self._new_id()}", "status": "in_progress", "summary": [], "content": []}
            part = {"type": "reasoning_text", "text": ""}
        told = self._begin(item)
        item["content"] = [part]
        return [*told, self._event("response.content_part.added", content_index=0, part=_copy(part))]

    def _begin_call(self, name: str) -> list[Json]:
        identifier = self._new_id()
        return self._begin(
            {
                "type": "function_call",
                "id": f"fc_{identifier}",
                "call_id": f"call_{identifier}",
                "name": name,
                "arguments": "",
                "status": "in_progress",
            }
        )

    def _arguments(self, text: str) -> Json:
        assert self._open is not None, "a call has begun"
        self._open["arguments"] += text
        return self._event("response.function_call_arguments.delta", delta=text)

    def _begin(self, item: Json) -> list[Json]:
        closed = self._close("completed")
        self.items.append(item)
        self._open = item
        index = len(self.items) - 1
        return [*closed, {"type": "response.output_item.added", "output_index": index, "item": _copy(item)}]

    def _close(self, status: Status) -> list[Json]:
        item = self._open
        if item is None:
            return []
        told = self._ended_call(item) if item["type"] == "function_call" else self._ended_text(item["content"][0])
        item["status"] = status
        self._open = None
        return [*told, {"type": "response.output_item.done", "output_index": len(self.items) - 1, "item": _copy(item)}]

    def _ended_call(self, item: Json) -> list[Json]:
        return [self._event("response.function_call_arguments.done", name=item["name"], arguments=item["arguments"])]

    def _ended_text(self, part: Json) -> list[Json]:
        done = self._event(f"response.{part['type']}.done", content_index=0, text=part["text"])
        if part["type"] == "output_text":
            done["logprobs"] = part["logprobs"]
        return [done, self._event("response.content_part.done", content_index=0, part=_copy(part))]

    def _event(self, kind: str, **fields: object) -> Json:
        assert self._open is not None
        return {"type": kind, "item_id": self._open["id"], "output_index": len(self.items) - 1, **fields}


def _copy(value: Json) -> Json:
    """As it is now: items go on growing."""
    return {key: list(item) if isinstance(item, list) else item for key, item in value.items()}
