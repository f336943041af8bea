"""`/v1/chat/completions`."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pie.host.served import ServedModel
from pie.openai.chat import template_messages, template_tools
from pie.openai.chat_chunks import DONE, ChatChunks, Heading, chat_choice, encode, usage_chunk
from pie.openai.completion import Completion, CompletionOptions, Completions
from pie.openai.constraints import is_bound
from pie.openai.decoding import decode
from pie.openai.http import Exchange
from pie.openai.logprobs import chat_logprobs
from pie.openai.requests import ChatMessage, ChatRequest
from pie.openai.sampling import logit_mask, sampling_of
from pie.openai.service import OpenAIService, fingerprint
from pie.openai.tools import ToolUse, tool_use
from pie.openai.turn import Step, Turn
from pie.openai.usage import completion_usage
from pie.together import together

CHUNK = "chat.completion.chunk"


class ChatRoute:
    def __init__(self, service: OpenAIService) -> None:
        self._service = service

    async def __call__(self, exchange: Exchange) -> None:
        request = decode(exchange.body, ChatRequest)
        model = self._service.model(request.model)
        self._service.engine.demand_open(exchange.username)  # before work is put into grammars and prompts
        use = tool_use(request.tools, request.tool_choice, request.parallel_tool_calls)
        options = await self._options(request, model, use)
        prompt = await chat_prompt(model, request.messages, use, len(exchange.body))
        heading = self._heading(model)
        async with self._service.completions(model, exchange.username, [prompt], [options]) as (completions,):
            bound = is_bound(use, request.response_format)
            turns = [Turn(answer, use, bound=bound) for answer in completions.answers]
            if request.stream:
                await self._stream(exchange, request, heading, completions, turns)
            else:
                await self._reply(exchange, heading, completions, turns)

    async def _options(self, request: ChatRequest, model: ServedModel, use: ToolUse) -> list[CompletionOptions]:
        """One per choice."""
        constraint = await self._service.constraints.of(model, use, request.response_format)
        mask = logit_mask(request.logit_bias, model.scheduler.limits.vocabulary_size)
        return [
            CompletionOptions(
                sampling=sampling_of(request, choice),
                tokens_max=request.max_completion_tokens or request.max_tokens or 0,
                stop_texts=request.stop_texts,
                logit_mask=mask,
                top_logprobs=(request.top_logprobs or 0) if request.logprobs else None,
                constraint=constraint(),
            )
            for choice in range(request.n or 1)
        ]

    def _heading(self, model: ServedModel) -> Heading:
        return Heading(f"chatcmpl-{self._service.new_id()}", int(self._service.now()), model.name, fingerprint(model))

    async def _reply(self, exchange: Exchange, heading: Heading, completions: Completions, turns: Sequence[Turn]) -> None:
        steps = await together([turn.rest() for turn in turns])
        choices = [
            chat_choice(index, step, logprobs_of(turn.completion, step), self._service.new_id)
            for index, (turn, step) in enumerate(zip(turns, steps, strict=True))
        ]
        body = heading.object("chat.completion") | {"choices": choices, "usage": completion_usage([completions])}
        await exchange.reply(encode(body))

    async def _stream(
        self, exchange: Exchange, request: ChatRequest, heading: Heading, completions: Completions, turns: Sequence[Turn]
    ) -> None:
        with_usage = bool(request.stream_options and request.stream_options.include_usage)
        first = [await turn.next() for turn in turns[:1]]  # an answer that fails at once is an error, not a stream
        await exchange.open_stream()
        chunks = [ChatChunks(heading, index, with_usage=with_usage, new_id=self._service.new_id) for index in range(len(turns))]
        await together(
            [
                _write(exchange, turn, each, first if index == 0 else [])
                for index, (turn, each) in enumerate(zip(turns, chunks, strict=True))
            ]
        )
        usage = usage_chunk(heading, CHUNK, completion_usage([completions])) if with_usage else b""
        await exchange.close_stream(usage + DONE)


async def _write(exchange: Exchange, turn: Turn, chunks: ChatChunks, steps: list[Step]) -> None:
    """One choice, beginning with the steps that have been taken already."""
    finish = None
    while finish is None:
        step = steps.pop() if steps else await turn.next()
        if written := chunks.step(step, logprobs_of(turn.completion, step)):
            await exchange.write(written)
        finish = step.finish


async def chat_prompt(model: ServedModel, messages: Sequence[ChatMessage], use: ToolUse, length: int) -> list[int]:
    """The conversation's tokens, the cue for the answer included. `length` is about how long all of it is, in characters.

    Raises `ApiError`, `TemplateError`, `InvalidArgumentError`.
    """
    conversation = template_messages(messages)
    tools = template_tools(use.shown) or None
    tokens = model.texts.run(length, lambda loaded: loaded.chat.render(conversation, tools, add_cue=True))
    return await tokens if isinstance(tokens, asyncio.Future) else tokens


def logprobs_of(completion: Completion, step: Step) -> list[dict[str, Any]] | None:
    if not completion.has_logprobs:
        return None
    return chat_logprobs(completion.model.loaded.tokenizer, step.drawn)
