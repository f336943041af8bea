"""A scripted engine: what the SDK's tests talk to in place of a sandbox.

Deterministic, and without a time of its own: a virtual clock stands still until the program waits. A pass takes `PASS_NS`. Tokens
are bytes of UTF-8 text, and a few special ones. After a cue the model says `answer` and stops; elsewhere it says its letters in
turn.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

SYSTEM, USER, ASSISTANT, STOP, BEGIN, VOCABULARY_SIZE = 256, 257, 258, 259, 260, 261
PASS_NS = 1_000_000
PAGE_SIZE = 4
CONTEXT_MAX = 512

Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""The fixture `run`: runs a coroutine as a program would."""


@dataclass
class Engine:
    answer: str = "Paris."
    models: list[str] = field(default_factory=lambda: ["fake"])
    incoming: list[tuple[int, str | None]] = field(default_factory=list)
    """What the client sends: when, and the text; None: it goes away."""
    incoming_files: list[tuple[int, str, bytes | None]] = field(default_factory=list)
    """Files from the client: when, name and content; None: it goes away."""
    servers: dict[str, str | None] = field(default_factory=dict)
    """MCP servers, with what each answers to any request; None: with an error."""
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Function → (code, message) with which its next call fails."""

    now_ns: int = 0
    calls: list[str] = field(default_factory=list)
    """Every function that the program called, in order."""
    sent: list[str] = field(default_factory=list)
    sent_files: list[tuple[str, bytes]] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    """MCP requests: server, method, and what came with it."""
    saved: dict[str, list[int]] = field(default_factory=dict)
    live: Counter[str] = field(default_factory=Counter)
    """Handles that the program holds, by kind."""
    computed: int = 0
    """Tokens that went through the model."""

    def entered(self, function: str) -> None:
        self.calls.append(function)

    def fault(self, function: str) -> tuple[str, str] | None:
        return self.faults.pop(function, None)

    def count(self, function: str) -> int:
        return self.calls.count(function)

    def next_token(self, tokens: Sequence[int]) -> int:
        letters = self.answer.encode()
        if ASSISTANT not in tokens:
            return letters[len(tokens) % len(letters)]
        said = list(reversed(tokens)).index(ASSISTANT)
        return letters[said] if said < len(letters) else STOP


_engine = Engine()


def engine() -> Engine:
    """The one that the bindings lead to now."""
    return _engine


def install(new: Engine) -> Engine:
    global _engine
    _engine = new
    return new


class Resource:
    """A handle: dropped once, by `with`, explicitly, or with its last reference."""

    def __init__(self) -> None:
        self._live = True
        self._engine = engine()
        self._engine.live[type(self).__name__] += 1

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._live, f"{type(self).__name__} dropped twice"
        self._drop()

    def __del__(self) -> None:
        if self._live:
            self._drop()

    def _drop(self) -> None:
        self._live = False
        self._engine.live[type(self).__name__] -= 1


class Timed:
    """Something that is ready from a moment on; None: never, unless something happens."""

    def __init__(self, ready_at: Callable[[], int | None]) -> None:
        self.ready_at = ready_at


def tokens_of(segments: Sequence[Any], following: bool) -> list[int]:
    tokens: list[int] = []
    for segment in segments:
        kind = type(segment).__name__.removeprefix("Segment_")
        if kind not in {"Tokens", "Text"} and not following and BEGIN not in tokens:
            tokens.append(BEGIN)
        tokens += _segment_tokens(kind, getattr(segment, "value", None))
    return tokens


def _segment_tokens(kind: str, value: Any) -> list[int]:
    if kind == "Tokens":
        return list(value)
    if kind == "Text":
        return list(value.encode())
    if kind in {"Cue", "Seal"}:
        return [ASSISTANT if kind == "Cue" else STOP]
    return [{"System": SYSTEM, "User": USER, "Assistant": ASSISTANT}[kind], *value.encode(), STOP]


def text_of(tokens: Sequence[int]) -> str:
    return bytes(token for token in tokens if token < 256).decode("utf-8", errors="ignore")
