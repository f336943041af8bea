"""`pie:inferlet/chat`: conversation text in the model's own format."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from pie.errors import InvalidJsonError
from pie.host.guest import Guest
from pie.host.served import ServedModel
from pie.host.tokens import Tokens, checked
from pie.model.detokenizer import Detokenizer
from pie.sandbox.interface import Interface, suspends

Segment = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Decoded:
    delta: str
    done: str | None
    interrupt: int | None


class Decoder:
    """Splits a model's tokens into text deltas and the end of the turn."""

    def __init__(self, model: ServedModel) -> None:
        self._model = model
        self._stop = frozenset(model.loaded.stop_tokens)
        self._special = model.loaded.tokenizer.special_ids
        self.reset()

    def feed(self, tokens: Tokens) -> Decoded:
        delta = ""
        interrupt = None
        for token in checked(tokens, self._model.loaded.tokenizer.vocabulary_size).tolist():
            if token in self._stop:
                delta += self._detokenizer.flush()
                whole = self._text + delta
                self.reset()
                return Decoded(delta, whole, None)
            interrupt = token if token in self._special else None
            if interrupt is None:
                delta += self._detokenizer.feed((token,))
        self._text += delta
        return Decoded(delta, None, interrupt)

    def reset(self) -> None:
        self._detokenizer = Detokenizer(self._model.loaded.tokenizer)
        self._text = ""


def encode_segments(model: ServedModel, segments: list[Segment], following: bool) -> list[int] | asyncio.Future[list[int]]:
    """Tokens of a prompt's segments. Raises `TokenOutOfRangeError`, `TemplateError`, `InvalidArgumentError`."""
    vocabulary_size = model.scheduler.limits.vocabulary_size
    plain = [(kind, checked(payload, vocabulary_size).tolist() if kind == "tokens" else payload) for kind, payload in segments]
    length = sum([len(payload) for _, payload in plain if isinstance(payload, str)])
    return model.texts.run(length, lambda loaded: loaded.chat.encode(plain, following=following))


@suspends
def encode(_: Guest, model: ServedModel, segments: list[Segment], following: bool) -> list[int] | asyncio.Future[list[int]]:
    return encode_segments(model, segments, following)


@suspends
def render(_: Guest, model: ServedModel, messages: str, tools: str, add_cue: bool) -> list[int] | asyncio.Future[list[int]]:
    conversation, defined = _json(messages, "messages"), _json(tools, "tools") if tools else None
    return model.texts.run(len(messages) + len(tools), lambda loaded: loaded.chat.render(conversation, defined, add_cue=add_cue))


def _json(text: str, what: str) -> list[Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidJsonError(f"{what}: {error}") from error
    if not isinstance(value, list):
        raise InvalidJsonError(f"{what}: expected a JSON list, got {type(value).__name__}")
    return value


def new_decoder(_: Guest, model: ServedModel) -> Decoder:
    return Decoder(model)


def feed(_: Guest, decoder: Decoder, tokens: Tokens) -> Decoded:
    return decoder.feed(tokens)


def reset(_: Guest, decoder: Decoder) -> None:
    decoder.reset()


INTERFACE = Interface(
    name="pie:inferlet/chat@0.1.0",
    functions={
        "encode": encode,
        "render": render,
        "[constructor]decoder": new_decoder,
        "[method]decoder.feed": feed,
        "[method]decoder.reset": reset,
    },
    resources={"decoder": Decoder, "model": ServedModel},
)
