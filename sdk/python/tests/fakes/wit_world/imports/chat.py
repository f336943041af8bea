import codecs
from dataclasses import dataclass
from typing import Any

from scripted_engine import STOP, Resource, tokens_of

from wit_world.imports import model
from wit_world.imports._calls import enter


@dataclass
class Segment_Tokens:
    value: list[int]


@dataclass
class Segment_Text:
    value: str


@dataclass
class Segment_System:
    value: str


@dataclass
class Segment_User:
    value: str


@dataclass
class Segment_Assistant:
    value: str


@dataclass
class Segment_Cue:
    pass


@dataclass
class Segment_Seal:
    pass


@dataclass
class Decoded:
    delta: str
    done: str | None
    interrupt: int | None


class Decoder(Resource):
    def __init__(self, model: model.Model) -> None:
        super().__init__()
        enter("decoder")
        self._start()

    def _start(self) -> None:
        self._bytes = codecs.getincrementaldecoder("utf-8")()
        self._text = ""

    def feed(self, tokens: list[int]) -> Decoded:
        enter("feed")
        delta, interrupt = "", None
        for token in tokens:
            if token == STOP:
                whole = self._text + delta
                self._start()
                return Decoded(delta, whole, None)
            interrupt = token if token >= 256 else None
            delta += "" if token >= 256 else self._bytes.decode(bytes([token]))
        self._text += delta
        return Decoded(delta, None, interrupt)

    def reset(self) -> None:
        enter("reset")
        self._start()


def encode(model: model.Model, segments: list[Any], following: bool) -> list[int]:
    enter("chat.encode")
    return tokens_of(segments, following)


def render(model: model.Model, messages: str, tools: str, add_cue: bool) -> list[int]:
    enter("render")
    return []
