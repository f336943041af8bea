"""`/v1/completions`: text goes on from a text."""

import asyncio
from collections.abc import Sequence

from pie.host.served import ServedModel
from pie.limits import OPENAI_CHOICES_MAX
from pie.openai.api_error import invalid, unsupported
from pie.openai.chat_chunks import DONE, Heading, Json, encode, event_head, usage_chunk
from pie.openai.completion import Completion, CompletionOptions, Completions, Drawn, Piece
from pie.openai.decoding import decode
from pie.openai.http import Exchange
from pie.openai.logprobs import completion_logprobs
from pie.openai.requests import CompletionRequest
from pie.openai.sampling import logit_mask, sampling_of
from pie.openai.service import OpenAIService, fingerprint
from pie.openai.usage import completion_usage
from pie.together import together

KIND = "text_completion"

TOKENS_MAX_DEFAULT = 16
"""As with OpenAI."""


class _Choice:
    """One answer, as it is handed on."""

    def __init__(self, index: int, completion: Completion, echo: str) -> None:
        """`echo` is what stands in front of the answer."""
        self.index = index
        self._completion = completion
        self._echo = echo
        self._offset = len(echo)
        """Where in the choice's text the next token begins."""

    async def next(self) -> tuple[str, Json | None, Piece]:
        """Text, logprobs and the piece that they come from."""
        piece = await self._completion.next()
        text, self._echo = self._echo + piece.text, ""
        return text, self._logprobs(piece.drawn), piece

    async def rest(self) -> Json:
        """All of it, as an entry of `choices`."""
        self._completion.read_freely()
        texts = [self._echo]
        drawn: list[Drawn] = []
        finish = None
        while finish is None:
            piece = await self._completion.next()
            texts.append(piece.text)
            drawn += piece.drawn
            finish = piece.finish
        return {"index": self.index, "text": "".join(texts), "logprobs": self._logprobs(drawn), "finish_reason": finish}

    def _logprobs(self, drawn: Sequence[Drawn]) -> Json | None:
        if not self._completion.has_logprobs:
            return None
        known = completion_logprobs(self._completion.model.loaded.tokenizer, drawn, self._offset)
        self._offset += sum(map(len, known["tokens"]))
        return known


class CompletionsRoute:
    def __init__(self, service: OpenAIService) -> None:
        self._service = service

    async def __call__(self, exchange: Exchange) -> None:
        request = decode(exchange.body, CompletionRequest)
        model = self._service.model(request.model)
        self._service.engine.demand_open(exchange.username)  # before work is put into grammars and prompts
        _check(request)
        prompts = [await _tokens(model, prompt) for prompt in prompts_of(request)]
        options = [self._options(request, model, number) for number in range(len(prompts))]
        heading = Heading(f"cmpl-{self._service.new_id()}", int(self._service.now()), model.name, fingerprint(model))
        async with self._service.completions(model, exchange.username, prompts, options) as begun:
            choices = _choices(begun, model, echo=bool(request.echo))
            if request.stream:
                await _stream(exchange, request, heading, begun, choices)
            else:
                entries = await together([choice.rest() for choice in choices])
                body = heading.object(KIND) | {"choices": entries, "usage": completion_usage(begun)}
                await exchange.reply(encode(body))

    def _options(self, request: CompletionRequest, model: ServedModel, prompt: int) -> list[CompletionOptions]:
        mask = logit_mask(request.logit_bias, model.scheduler.limits.vocabulary_size)
        count = request.n or 1
        return [
            CompletionOptions(
                sampling=sampling_of(request, prompt * count + choice),
                tokens_max=request.max_tokens or TOKENS_MAX_DEFAULT,
                stop_texts=request.stop_texts,
                logit_mask=mask,
                top_logprobs=request.logprobs,
            )
            for choice in range(count)
        ]


def prompts_of(request: CompletionRequest) -> list[str | list[int]]:
    """The prompts of a request, each a text or tokens. Raises `ApiError`."""
    prompt = request.prompt
    if isinstance(prompt, str):
        return [prompt]
    if prompt and all(isinstance(token, int) for token in prompt):
        return [[token for token in prompt if isinstance(token, int)]]
    prompts = [each for each in prompt if not isinstance(each, int)]
    if not prompts or len(prompts) < len(prompt):
        raise invalid("a prompt is a text, a list of texts, a list of tokens or a list of such lists", "prompt")
    return prompts


def _check(request: CompletionRequest) -> None:
    """Raises `ApiError` for what is not supported."""
    count = request.n or 1
    if len(prompts_of(request)) * count > OPENAI_CHOICES_MAX:
        raise invalid(f"at most {OPENAI_CHOICES_MAX} answers are given at a time, all prompts together", "n")
    if request.best_of is not None and request.best_of != count:
        raise unsupported("best_of", "it may only be what 'n' is")
    if request.echo and request.logprobs is not None:
        raise unsupported("echo", "not together with 'logprobs', which are known of drawn tokens only")


async def _tokens(model: ServedModel, prompt: str | list[int]) -> list[int]:
    """A prompt's tokens. Raises `ApiError`."""
    if not isinstance(prompt, str):
        size = model.scheduler.limits.vocabulary_size
        if any(not 0 <= token < size for token in prompt):
            raise invalid(f"tokens lie between 0 and {size - 1}", "prompt")
        return prompt
    tokens = model.texts.run(len(prompt), lambda loaded: loaded.tokenizer.encode(prompt))
    return await tokens if isinstance(tokens, asyncio.Future) else tokens


def _choices(begun: Sequence[Completions], model: ServedModel, *, echo: bool) -> list[_Choice]:
    choices: list[_Choice] = []
    for completions in begun:
        shown = model.loaded.tokenizer.decode(completions.prompt) if echo else ""
        choices += [_Choice(len(choices) + number, answer, shown) for number, answer in enumerate(completions.answers)]
    return choices


async def _stream(
    exchange: Exchange, request: CompletionRequest, heading: Heading, begun: Sequence[Completions], choices: Sequence[_Choice]
) -> None:
    with_usage = bool(request.stream_options and request.stream_options.include_usage)
    await exchange.open_stream()
    await together([_write(exchange, choice, heading, with_usage=with_usage) for choice in choices])
    usage = usage_chunk(heading, KIND, completion_usage(begun)) if with_usage else b""
    await exchange.close_stream(usage + DONE)


async def _write(exchange: Exchange, choice: _Choice, heading: Heading, *, with_usage: bool) -> None:
    head = event_head(heading, KIND) + b',"choices":[{"index":%d,"text":' % choice.index
    tail = b"}]" + (b',"usage":null' if with_usage else b"") + b"}\n\n"
    finish = None
    while finish is None:
        text, logprobs, piece = await choice.next()
        finish = piece.finish
        if text or finish or piece.drawn:
            ending = b',"logprobs":' + encode(logprobs) + b',"finish_reason":' + encode(finish) + tail
            await exchange.write(head + encode(text) + ending)
