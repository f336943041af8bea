"""Conversation text: the tokens of turns, and generated tokens back into text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inferlet import _host as host
from inferlet import checked
from inferlet.model import Model


def system(model: Model, message: str) -> list[int]:
    """Tokens of a system message."""
    return encode(model, [host.chat.Segment_System(checked.text(message))], following=False)


def user(model: Model, message: str) -> list[int]:
    """Tokens of a user message that follows other turns."""
    return encode(model, [host.chat.Segment_User(checked.text(message))], following=True)


def assistant(model: Model, message: str) -> list[int]:
    """Tokens of a whole assistant message, as in a replayed conversation."""
    return encode(model, [host.chat.Segment_Assistant(checked.text(message))], following=True)


def cue(model: Model) -> list[int]:
    """Tokens after which the model answers."""
    return encode(model, [host.chat.Segment_Cue()], following=True)


def seal(model: Model) -> list[int]:
    """Tokens that end an assistant turn."""
    return encode(model, [host.chat.Segment_Seal()], following=True)


def stop_tokens(model: Model) -> list[int]:
    """Tokens by which the model ends its turn."""
    return list(model.info.stop_tokens)


def encode(model: Model, segments: list[Any], *, following: bool) -> list[int]:
    """Tokens of host segments; `following` says whether turns came before them."""
    return list(host.call(host.chat.encode, model._handle, segments, following))


class Event:
    """What a decoder found in the tokens of one `feed`. Match it with `case chat.Event.Delta(text=text)`."""

    __slots__ = ()

    @dataclass(frozen=True, slots=True)
    class Idle:
        """Nothing to show yet."""

    @dataclass(frozen=True, slots=True)
    class Delta:
        """More text, never empty."""

        text: str

    @dataclass(frozen=True, slots=True)
    class Done:
        """The turn ended; `text` is all of it."""

        text: str

    @dataclass(frozen=True, slots=True)
    class Interrupt:
        """A special token that is no text and does not end the turn."""

        token: int


AnyEvent = Event.Idle | Event.Delta | Event.Done | Event.Interrupt


class Decoder:
    """Turns tokens into text piece by piece. Bytes of an unfinished character are held back until the rest is there."""

    __slots__ = ("_handle",)

    def __init__(self, model: Model) -> None:
        self._handle = host.chat.Decoder(model._handle)

    def feed(self, tokens: Sequence[int]) -> AnyEvent:
        decoded = self._handle.feed(checked.numbers(tokens))
        if decoded.done is not None:
            return Event.Done(decoded.done)
        if decoded.delta:
            return Event.Delta(decoded.delta)
        if decoded.interrupt is not None:
            return Event.Interrupt(decoded.interrupt)
        return Event.Idle()

    def delta(self, tokens: Sequence[int]) -> str:
        """The text that these tokens complete, whatever else they mean."""
        return str(self._handle.feed(checked.numbers(tokens)).delta)

    def reset(self) -> None:
        """Forget everything fed so far."""
        self._handle.reset()
