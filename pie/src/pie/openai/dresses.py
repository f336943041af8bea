"""What a program says, written as each of the routes writes its answers. See `override`."""

from pie.openai.answer import Text
from pie.openai.chat_chunks import DONE, ChatChunks, Heading, chat_choice, encode, event_head
from pie.openai.decoding import converted
from pie.openai.override import Dress, DressFor, Json, text_at
from pie.openai.requests import ResponseRequest
from pie.openai.response_body import EventNumbers, response_body
from pie.openai.response_output import ResponseOutput
from pie.openai.service import OpenAIService
from pie.openai.turn import Step

FINGERPRINT = "fp_program"


class ChatDress:
    """`/v1/chat/completions`."""

    def __init__(self, service: OpenAIService, request: Json) -> None:
        self._heading = _heading(service, request, "chatcmpl")
        self._new_id = service.new_id
        self._chunks = ChatChunks(self._heading, 0, with_usage=False, new_id=service.new_id)

    def body(self, text: str) -> Json:
        choice = chat_choice(0, Step((Text(text),), (), "stop"), None, self._new_id)
        return self._heading.object("chat.completion") | {"choices": [choice]}

    def text(self, body: Json) -> str:
        return text_at(body, ("choices", 0, "message", "content"))

    def opening(self) -> bytes:
        return b""

    def piece(self, text: str) -> bytes:
        return self._chunks.step(Step((Text(text),), (), None), None)

    def ending(self) -> bytes:
        return self._chunks.step(Step((), (), "stop"), None) + DONE


class CompletionDress:
    """`/v1/completions`."""

    def __init__(self, service: OpenAIService, request: Json) -> None:
        self._heading = _heading(service, request, "cmpl")

    def body(self, text: str) -> Json:
        return self._heading.object("text_completion") | {"choices": [self._choice(text, "stop")]}

    def text(self, body: Json) -> str:
        return text_at(body, ("choices", 0, "text"))

    def opening(self) -> bytes:
        return b""

    def piece(self, text: str) -> bytes:
        return self._event(text, None)

    def ending(self) -> bytes:
        return self._event("", "stop") + DONE

    def _event(self, text: str, finish: str | None) -> bytes:
        return event_head(self._heading, "text_completion") + b',"choices":' + encode([self._choice(text, finish)]) + b"}\n\n"

    def _choice(self, text: str, finish: str | None) -> Json:
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}


class ResponseDress:
    """`/v1/responses`."""

    def __init__(self, service: OpenAIService, request: Json) -> None:
        known = {name: value for name, value in request.items() if name in ResponseRequest.__struct_fields__}
        asked = converted({"model": "program", **known, "store": False}, ResponseRequest)
        self._body = response_body(asked, f"resp_{service.new_id()}", int(service.now()))
        self._output = ResponseOutput(service.new_id)
        self._numbers = EventNumbers()

    def body(self, text: str) -> Json:
        self._output.feed([Text(text)])
        self._output.finish("completed")
        return self._completed()

    def text(self, body: Json) -> str:
        return text_at(body, ("output", 0, "content", 0, "text"))

    def opening(self) -> bytes:
        return b"".join([self._event(event) for event in ("response.created", "response.in_progress")])

    def piece(self, text: str) -> bytes:
        return b"".join(map(self._numbers.write, self._output.feed([Text(text)])))

    def ending(self) -> bytes:
        told = b"".join(map(self._numbers.write, self._output.finish("completed")))
        self._completed()
        return told + self._event("response.completed")

    def _completed(self) -> Json:
        self._body |= {"status": "completed", "output": self._output.items}
        return self._body

    def _event(self, kind: str) -> bytes:
        return self._numbers.write({"type": kind, "response": self._body})


Kind = type[ChatDress] | type[CompletionDress] | type[ResponseDress]


def dress(kind: Kind, service: OpenAIService) -> DressFor:
    """What dresses the answers of one route."""

    def dress_for(request: Json) -> Dress:
        return kind(service, request)

    return dress_for


def _heading(service: OpenAIService, request: Json, prefix: str) -> Heading:
    model = request.get("model")
    name = model if isinstance(model, str) else "program"
    return Heading(f"{prefix}-{service.new_id()}", int(service.now()), name, FINGERPRINT)
