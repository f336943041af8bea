"""`/v1/responses`: create, stored ones by id."""

from collections.abc import Sequence

from pie.errors import PieError
from pie.host.served import ServedModel
from pie.openai.api_error import INVALID, ApiError, invalid
from pie.openai.chat_chunks import Json, encode
from pie.openai.chat_route import chat_prompt, logprobs_of
from pie.openai.completion import CompletionOptions, Completions
from pie.openai.constraints import is_bound
from pie.openai.decoding import decode
from pie.openai.http import Exchange
from pie.openai.requests import ChatMessage, FlatFormat, ResponseRequest
from pie.openai.response_body import EventNumbers, response_body
from pie.openai.response_input import messages_of
from pie.openai.response_output import ResponseOutput
from pie.openai.response_store import StoredResponse
from pie.openai.sampling import sampling_of
from pie.openai.service import OpenAIService
from pie.openai.tools import ToolUse, tool_use
from pie.openai.turn import Step, Turn
from pie.openai.usage import response_usage

LOGPROBS = "message.output_text.logprobs"
"""What asks for logprobs in `include`."""


class ResponsesRoute:
    def __init__(self, service: OpenAIService) -> None:
        self._service = service

    async def create(self, exchange: Exchange) -> None:
        request = decode(exchange.body, ResponseRequest)
        model = self._service.model(request.model)
        self._service.engine.demand_open(exchange.username)  # before work is put into grammars and prompts
        use = tool_use(request.tools, request.tool_choice, request.parallel_tool_calls)
        messages = self._conversation(request, exchange.username)
        option = await self._option(request, model, use)
        prompt = await chat_prompt(model, _instructed(request, messages), use, sum(map(_length, messages)) + len(exchange.body))
        async with self._service.completions(model, exchange.username, [prompt], [[option]]) as (completions,):
            bound = is_bound(use, _format(request))
            answer = _Answer(self._service, request, completions, Turn(completions.answers[0], use, bound=bound))
            if request.stream:
                await self._stream(exchange, answer, messages)
            else:
                answer.feed(await answer.turn.rest())
                self._store(exchange.username, answer, messages)
                await exchange.reply(encode(answer.body))

    async def get(self, exchange: Exchange) -> None:
        await exchange.reply(self._stored(exchange.username, exchange.path_params["id"], None).body)

    async def delete(self, exchange: Exchange) -> None:
        response_id = exchange.path_params["id"]
        self._stored(exchange.username, response_id, None)
        self._service.responses.delete(exchange.username, response_id)
        await exchange.reply(encode({"id": response_id, "object": "response.deleted", "deleted": True}))

    def _conversation(self, request: ResponseRequest, username: str) -> list[ChatMessage]:
        """All messages but the instructions, which are each request's own. Raises `ApiError`."""
        before: Sequence[ChatMessage] = ()
        if request.previous_response_id is not None:
            before = self._stored(username, request.previous_response_id, "previous_response_id").messages
        messages = [*before, *messages_of(request.input)]
        if not messages:
            raise invalid("there is nothing to answer: give 'input'", "input", "missing_required_parameter")
        return messages

    def _stored(self, username: str, response_id: str, param: str | None) -> StoredResponse:
        stored = self._service.responses.get(username, response_id)
        if stored is None:
            code = "response_not_found" if param is None else "previous_response_not_found"
            words = "it was not stored, was deleted, or had to make room for newer ones"
            raise ApiError(404 if param is None else 400, f"Response '{response_id}' is not here: {words}", INVALID, param, code)
        return stored

    async def _option(self, request: ResponseRequest, model: ServedModel, use: ToolUse) -> CompletionOptions:
        wants_logprobs = request.top_logprobs is not None or LOGPROBS in (request.include or ())
        constraint = await self._service.constraints.of(model, use, _format(request))
        return CompletionOptions(
            sampling=sampling_of(request, 0),
            tokens_max=request.max_output_tokens or 0,
            top_logprobs=(request.top_logprobs or 0) if wants_logprobs else None,
            constraint=constraint(),
        )

    async def _stream(self, exchange: Exchange, answer: "_Answer", messages: Sequence[ChatMessage]) -> None:
        numbers = EventNumbers()
        step: Step | None = await answer.turn.next()  # an answer that fails at once is an error, not a stream
        begun = [numbers.write({"type": f"response.{event}", "response": answer.body}) for event in ("created", "in_progress")]
        await exchange.open_stream()
        await exchange.write(b"".join(begun))
        try:
            while step is not None:
                events = b"".join([numbers.write(event) for event in answer.feed(step)])
                if events:
                    await exchange.write(events)
                step = None if step.finish is not None else await answer.turn.next()
        except PieError as error:
            answer.fail(error)
        self._store(exchange.username, answer, messages)
        await exchange.close_stream(numbers.write({"type": f"response.{answer.body['status']}", "response": answer.body}))

    def _store(self, username: str, answer: "_Answer", messages: Sequence[ChatMessage]) -> None:
        """Before the client is told that it is complete: it may go on from it at once."""
        if not answer.body["store"] or answer.body["status"] == "failed":
            return
        body = encode(answer.body)
        conversation = (*messages, answer.output.message())
        stored = StoredResponse(body, conversation, len(body) + sum(map(_length, conversation)))
        self._service.responses.put(username, answer.body["id"], stored)


class _Answer:
    """A response in the making."""

    def __init__(self, service: OpenAIService, request: ResponseRequest, completions: Completions, turn: Turn) -> None:
        self.turn = turn
        self.output = ResponseOutput(service.new_id)
        self.body = response_body(request, f"resp_{service.new_id()}", int(service.now()))
        self._service = service
        self._completions = completions

    def feed(self, step: Step) -> list[Json]:
        """Takes over what has come; returns the events that tell of it."""
        events = self.output.feed(step.events, logprobs_of(self.turn.completion, step) or ())
        if step.finish is None:
            return events
        status = "incomplete" if step.finish == "length" else "completed"
        events += self.output.finish("incomplete" if step.finish == "length" else "completed")
        reason = {"reason": "max_output_tokens"} if step.finish == "length" else None
        self.body |= {
            "status": status,
            "completed_at": int(self._service.now()),
            "incomplete_details": reason,
            "output": self.output.items,
            "usage": response_usage([self._completions]),
        }
        return events

    def fail(self, error: PieError) -> None:
        self.body |= {
            "status": "failed",
            "error": {"code": "server_error", "message": error.message},
            "output": self.output.items,
            "usage": response_usage([self._completions]),
        }


def _format(request: ResponseRequest) -> FlatFormat | None:
    return request.text.format if request.text is not None else None


def _instructed(request: ResponseRequest, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """With the instructions in front."""
    if request.instructions is None:
        return list(messages)
    return [ChatMessage(role="system", content=request.instructions), *messages]


def _length(message: ChatMessage) -> int:
    """About how long a message is, in characters."""
    return len(encode(message))
