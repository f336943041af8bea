"""`pie:inferlet/model`: models and their tokenizers."""

import asyncio
from dataclasses import dataclass

from pie.host.guest import Guest
from pie.host.served import ServedModel
from pie.host.tokens import Tokens, checked
from pie.model.tokenizer import Tokenizer
from pie.sandbox.interface import Interface, suspends


@dataclass(frozen=True, slots=True)
class ModelInfo:
    name: str
    page_size: int
    context_max: int
    vocabulary_size: int
    stop_tokens: list[int]
    speculates: bool


def load(guest: Guest, name: str) -> ServedModel:
    return guest.model(name)


def info(_: Guest, model: ServedModel) -> ModelInfo:
    limits = model.scheduler.limits
    return ModelInfo(
        name=model.name,
        page_size=limits.page_size,
        context_max=limits.context_max,
        vocabulary_size=limits.vocabulary_size,
        stop_tokens=list(model.loaded.stop_tokens),
        speculates=False,
    )


@dataclass(frozen=True, slots=True)
class GuestTokenizer:
    """The resource `tokenizer`: a model, as far as its tokenizer goes."""

    model: ServedModel

    @property
    def tokenizer(self) -> Tokenizer:
        return self.model.loaded.tokenizer


def tokenizer(_: Guest, model: ServedModel) -> GuestTokenizer:
    return GuestTokenizer(model)


@suspends
def encode(_: Guest, held: GuestTokenizer, text: str) -> list[int] | asyncio.Future[list[int]]:
    return held.model.texts.run(len(text), lambda loaded: loaded.tokenizer.encode(text))


def decode(_: Guest, held: GuestTokenizer, tokens: Tokens) -> str:
    return held.tokenizer.decode(checked(tokens, held.tokenizer.vocabulary_size).tolist())


def vocabulary(_: Guest, held: GuestTokenizer) -> tuple[list[int], list[bytes]]:
    return held.tokenizer.vocabulary()


def special_tokens(_: Guest, held: GuestTokenizer) -> tuple[list[int], list[bytes]]:
    return held.tokenizer.special_tokens()


def split_pattern(_: Guest, held: GuestTokenizer) -> str:
    return held.tokenizer.split_pattern


INTERFACE = Interface(
    name="pie:inferlet/model@0.1.0",
    functions={
        "[static]model.load": load,
        "[method]model.info": info,
        "[method]model.tokenizer": tokenizer,
        "[method]tokenizer.encode": encode,
        "[method]tokenizer.decode": decode,
        "[method]tokenizer.vocabulary": vocabulary,
        "[method]tokenizer.special-tokens": special_tokens,
        "[method]tokenizer.split-pattern": split_pattern,
    },
    resources={"model": ServedModel, "tokenizer": GuestTokenizer},
)
