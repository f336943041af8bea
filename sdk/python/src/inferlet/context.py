"""The context: a sequence of tokens with their keys and values, and a buffer of what comes next."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from inferlet import _host as host
from inferlet import chat, checked
from inferlet.errors import HostError, LaterVersionError, host_error
from inferlet.forward import Forward, run_pass
from inferlet.generation import Generator
from inferlet.later import refuse_later_options
from inferlet.model import Model
from inferlet.sampler import Sampler
from inferlet.stream import Stream


class Context:
    """A conversation or text in the making.

    The fillers (`system`, `user`, …) put text into a buffer on the program's side; `flush`, `generate` and the steps of a generator
    hand it to the engine, which turns it into tokens and computes it. `fork` gives a second context that shares what was computed.
    Dropping the last reference, `release` or leaving a `with` block gives the memory back.
    """

    __slots__ = ("_handle", "_length", "_model", "_pending", "_stream")

    def __init__(self, model: Model) -> None:
        self._adopt(model, host.context.Context(model._handle), length=0)

    def _adopt(self, model: Model, handle: Any, *, length: int | None) -> None:
        self._model = model
        self._handle = handle
        self._pending: list[Any] = []
        """Host segments that are not yet in the context."""
        self._length = length
        """Tokens in the context; None if the engine has to be asked."""
        self._stream: Stream | None = None
        """The generation that runs in the engine, if any. While it runs, its reader decides what the context holds."""

    @classmethod
    def _of(cls, model: Model, handle: Any, *, length: int | None = None) -> "Context":
        context = object.__new__(cls)
        context._adopt(model, handle, length=length)
        return context

    # --- saved contexts ---

    @classmethod
    def open(cls, model: Model, name: str) -> "Context":
        """A fork of a saved context. Raises `ContextNotFoundError`."""
        return cls._of(model, host.call(host.context.Context.open, model._handle, checked.text(name)))

    @classmethod
    def take(cls, model: Model, name: str) -> "Context":
        """The saved context itself; its name disappears. Raises `ContextNotFoundError`."""
        return cls._of(model, host.call(host.context.Context.take, model._handle, checked.text(name)))

    @staticmethod
    def delete(model: Model, name: str) -> None:
        """Raises `ContextNotFoundError`."""
        host.call(host.context.Context.delete, model._handle, checked.text(name))

    def save(self, name: str) -> None:
        """Keeps what the context holds now under a name, for this user's programs; the buffer is not part of it.

        Raises `ContextNameTakenError`.
        """
        self._settle()
        host.call(self._handle.save, checked.text(name))

    def snapshot(self) -> str:
        """As `save`, under a name that the engine makes up and this returns."""
        self._settle()
        return str(host.call(self._handle.snapshot))

    def fork(self) -> "Context":
        """A second context with the same content and the same buffer. What was computed is shared, not copied."""
        self._settle()
        fork = Context._of(self._model, host.call(self._handle.fork), length=self._length)
        fork._pending = list(self._pending)
        return fork

    def release(self) -> None:
        """Gives the memory back now. Whatever uses the context afterwards fails."""
        if self._stream is not None:
            self._stream.drop()
            self._stream = None
        self._pending = []
        self._length = None
        self._handle.release()

    def __enter__(self) -> "Context":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    # --- facts ---

    @property
    def model(self) -> Model:
        return self._model

    @property
    def page_size(self) -> int:
        """Tokens per page of the KV cache."""
        return int(self._model.info.page_size)

    @property
    def seq_len(self) -> int:
        """Tokens in the context, without the buffer."""
        self._settle()
        if self._length is None:
            self._length = int(self._handle.usage().length)
        return self._length

    def buffer(self) -> list[int]:
        """The tokens of the buffer."""
        self._settle()
        return list(self._pending_tokens())

    # --- fillers ---

    def system(self, message: str) -> "Context":
        return self._fill(host.chat.Segment_System(checked.text(message)))

    def user(self, message: str) -> "Context":
        return self._fill(host.chat.Segment_User(checked.text(message)))

    def assistant(self, message: str) -> "Context":
        """A whole assistant turn, as in a replayed conversation."""
        return self._fill(host.chat.Segment_Assistant(checked.text(message)))

    def cue(self) -> "Context":
        """The beginning of an assistant turn: the model continues from here."""
        return self._fill(host.chat.Segment_Cue())

    def seal(self) -> "Context":
        """The end of an assistant turn."""
        return self._fill(host.chat.Segment_Seal())

    def append(self, tokens: Iterable[int]) -> "Context":
        """Tokens as they are."""
        added = checked.numbers(tokens)
        return self._fill(host.chat.Segment_Tokens(added)) if added else self

    def append_text(self, text: str) -> "Context":
        """Plain text, outside of any turn. Special tokens spelled out in it are recognised."""
        return self._fill(host.chat.Segment_Text(checked.text(text)))

    def _fill(self, segment: Any) -> "Context":
        self._settle()
        self._pending.append(segment)
        return self

    # --- computing ---

    async def flush(self) -> None:
        """Computes the buffer and empties it."""
        self._settle()
        tokens = self._pending_tokens()
        if tokens:
            self._pending = []
            await self._extend(tokens, [], [], [])

    def truncate(self, n: int) -> None:
        """Drops the last `n` tokens. The buffer stays. Raises `ValueError` if there are fewer."""
        n, length = checked.number(n), self.seq_len
        if n > length:
            raise ValueError(f"cannot drop {n} of {length} tokens")
        if n:
            host.call(self._handle.truncate, length - n)
            self._length = length - n

    def forward(self) -> Forward:
        """One forward pass on this context. It leaves the buffer alone."""
        return Forward(self)

    def generate(
        self,
        sampler: Sampler,
        *,
        max_tokens: int | None = None,
        stop: Iterable[int] | None = None,
        logit_mask: Sequence[int] | None = None,
        auto_flush: bool = True,
        **later: Any,
    ) -> Generator:
        """Generation from the end of the context and its buffer.

        max_tokens: at most this many; without it, until a stop token or the model's limit.
        stop: tokens that end the generation; they are not part of it. By default the model's own, if `auto_flush`.
        logit_mask: tokens that may be drawn, as run lengths that begin with the forbidden ones.
        auto_flush: answer as the assistant: begins an assistant turn. Without it the text is simply continued.
        """
        refuse_later_options("generate", later)
        if auto_flush:
            self.cue()
            stop = self._model.info.stop_tokens if stop is None else stop
        return Generator(self, sampler, max_tokens=max_tokens, stop=stop, logit_mask=logit_mask)

    def set_bid(self, value: float) -> None:
        raise LaterVersionError("bidding for memory (Context.set_bid)")

    def idle(self) -> None:
        raise LaterVersionError("bidding for memory (Context.idle)")

    # --- for the other modules of this package ---

    def _settle(self) -> None:
        """Ends a running generation: from here on the context is what the program has read, the last token of it buffered."""
        stream = self._stream
        if stream is None:
            return
        self._stream = None
        self._length = None
        if stream.last_token is not None:
            self._pending = [host.chat.Segment_Tokens([stream.last_token])]
        try:
            stream.keep()
        finally:
            stream.drop()

    def _finish(self, *, out_of_tokens: bool) -> None:
        """The running generation came to its end: what was read is in the context, but after `length` the last token is not."""
        stream, self._stream, self._length = self._stream, None, None
        if stream is None:
            return
        if out_of_tokens and stream.last_token is not None:
            self._pending = [host.chat.Segment_Tokens([stream.last_token])]
        stream.drop()

    def _abandon(self) -> None:
        """The running generation failed: keep of it what can be kept."""
        with suppress(HostError):
            self._settle()

    def _pending_tokens(self) -> list[int]:
        """The buffer as tokens. Text is turned into tokens by the engine, once."""
        pending = self._pending
        if not pending:
            return []
        if any(type(segment) is not host.chat.Segment_Tokens for segment in pending):
            tokens = chat.encode(self._model, pending, following=self.seq_len > 0)
        elif len(pending) == 1:
            return pending[0].value  # type: ignore[no-any-return]
        else:
            tokens = [token for segment in pending for token in segment.value]
        self._pending = [host.chat.Segment_Tokens(tokens)] if tokens else []
        return tokens

    def _draw(self, tokens: list[int], sampler: Any) -> list[Any]:
        """Computes tokens that follow the context and reads the token drawn after them: the shortest way through a token loop."""
        if self._stream is not None:
            self._settle()
        length, self._length = self._length, None
        try:
            token = host.forward.draw(self._handle, tokens, sampler)
        except host.Err as fault:
            raise host_error(fault.value.code, fault.value.message) from None
        if length is not None:
            self._length = length + len(tokens)
        return [host.forward.Reading_Token(token)]

    async def _extend(
        self, tokens: list[int], slots: list[Any], logit_mask: list[int], attention_mask: list[list[int]]
    ) -> list[Any]:
        """Computes tokens that follow the context. Readings in the order of `slots`. (The bindings take lists only.)"""
        if self._stream is not None:
            self._settle()
        length, self._length = self._length, None
        readings = await run_pass(self._handle, host.forward.Pass(tokens, [], attention_mask, logit_mask, slots, True))
        if length is not None:
            self._length = length + len(tokens)
        return readings
