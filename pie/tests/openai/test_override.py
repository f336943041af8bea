"""Programs that answer routes: what they say, dressed as each route's answers."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from pie.errors import GuestError
from pie.openai.api_error import ApiError
from pie.openai.dresses import ChatDress, CompletionDress, ResponseDress, dress
from pie.openai.http import Exchange
from pie.openai.override import Override
from pie.openai.service import OpenAIService
from pie.processes.events import ProcessEvent


@dataclass
class FakeProcess:
    said: list[ProcessEvent]
    terminated: bool = False

    async def events(self) -> AsyncIterator[ProcessEvent]:
        for event in self.said:
            yield event

    def terminate(self) -> None:
        self.terminated = True


@dataclass
class FakeEngine:
    """An engine whose every program says the same."""

    said: list[ProcessEvent]
    launched: list[tuple[str, dict[str, Any], FakeProcess]] = field(default_factory=list)

    @property
    def library(self) -> "FakeEngine":
        return self

    async def find(self, owner: str, target: str) -> str:
        return f"{owner}'s {target}"

    def launch(self, program: str, input_text: str, username: str) -> FakeProcess:
        process = FakeProcess(self.said)
        self.launched.append((program, json.loads(input_text), process))
        return process


@dataclass
class FakeService:
    engine: FakeEngine

    def new_id(self) -> str:
        return "1"

    def now(self) -> float:
        return 1000.0


def says(*messages: str, returns: str = "") -> FakeEngine:
    return FakeEngine([*(ProcessEvent("message", message) for message in messages), ProcessEvent("return", returns)])


async def answered(engine: FakeEngine, kind: Any = ChatDress, **request: Any) -> bytes:
    """The body of the answer to a request."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    service = cast(OpenAIService, FakeService(engine))
    exchange = Exchange({}, send, "ada", json.dumps(request).encode())
    try:
        await Override(service, "agent@1.0.0", dress(kind, service))(exchange)
    finally:
        assert all(process.terminated for _, _, process in engine.launched)
    assert sent[0]["status"] == 200
    return b"".join(message.get("body", b"") for message in sent)


def events(body: bytes) -> list[bytes]:
    return [part.partition(b"data: ")[2] for part in body.split(b"\n\n")[:-1]]


async def test_the_program_gets_the_request_as_it_came() -> None:
    engine = says(returns="hi")
    await answered(engine, model="m", made_up=1)
    program, given, _ = engine.launched[0]
    assert program == "ada's agent@1.0.0"
    assert given == {"model": "m", "made_up": 1, "stream": False}


@pytest.mark.parametrize(
    "engine", [says(returns="Hello there"), says(returns='"Hello there"'), says("Hello", " there", returns="{}")]
)
async def test_a_text_becomes_a_whole_answer(engine: FakeEngine) -> None:
    answer = ChatCompletion.model_validate_json(await answered(engine, model="m"), strict=True)
    assert (answer.model, answer.choices[0].message.content) == ("m", "Hello there")


async def test_an_object_is_the_answer_itself() -> None:
    assert json.loads(await answered(says(returns='{"choices": [], "mine": true}'))) == {"choices": [], "mine": True}


async def test_messages_are_streamed_as_they_come() -> None:
    *chunks, done = events(await answered(says("Hello", " there", returns="ignored"), stream=True))
    assert done == b"[DONE]"
    choices = [ChatCompletionChunk.model_validate_json(chunk, strict=True).choices[0] for chunk in chunks]
    assert [choice.delta.content for choice in choices] == ["", "Hello", " there", None]
    assert choices[-1].finish_reason == "stop"


async def test_without_messages_the_answers_text_is_streamed() -> None:
    body = json.dumps({"choices": [{"message": {"content": "Hello"}}]})
    chunks = events(await answered(says(returns=body), stream=True))
    assert b'"content":"Hello"' in b"".join(chunks)


async def test_completions_are_dressed_as_such() -> None:
    answer = Completion.model_validate_json(await answered(says(returns="Hello"), CompletionDress, model="m"), strict=True)
    assert answer.choices[0].text == "Hello"
    *chunks, done = events(await answered(says("Hel", "lo"), CompletionDress, model="m", stream=True))
    assert done == b"[DONE]"
    assert "".join(json.loads(chunk)["choices"][0]["text"] for chunk in chunks) == "Hello"


async def test_responses_are_dressed_as_such() -> None:
    answer = Response.model_validate_json(await answered(says(returns="Hello"), ResponseDress, model="m"), strict=True)
    assert answer.output_text == "Hello"
    told = [json.loads(event) for event in events(await answered(says("Hel", "lo"), ResponseDress, model="m", stream=True))]
    assert told[0]["type"] == "response.created"
    assert told[-1]["type"] == "response.completed"
    assert told[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_program_that_fails_is_an_error_with_its_own_words(stream: bool) -> None:
    engine = FakeEngine([ProcessEvent("error", "no idea")])
    with pytest.raises(GuestError, match="no idea"):
        await answered(engine, stream=stream)


async def test_what_is_no_request_is_refused_before_anything_runs() -> None:
    engine = says(returns="hi")
    with pytest.raises(ApiError):
        await answered(engine, stream="yes")
    assert not engine.launched
