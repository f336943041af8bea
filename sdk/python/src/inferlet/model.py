"""Models and their tokenizers."""

from collections.abc import Sequence
from typing import Any

from inferlet import _host as host
from inferlet import checked


class Tokenizer:
    """Text to vocabulary ids and back."""

    __slots__ = ("_handle",)

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def encode(self, text: str) -> list[int]:
        """Ids of `text`. No special token is added; special tokens spelled out in the text are recognised."""
        return list(self._handle.encode(checked.text(text)))

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of `tokens`, special tokens included."""
        text: str = host.call(self._handle.decode, checked.numbers(tokens))
        return text

    def vocabs(self) -> tuple[list[int], list[bytes]]:
        """Ids and byte strings of the whole vocabulary, ascending by id."""
        ids, texts = self._handle.vocabulary()
        return list(ids), list(texts)

    def special_tokens(self) -> tuple[list[int], list[bytes]]:
        """Ids and byte strings of the special tokens, ascending by id."""
        ids, texts = self._handle.special_tokens()
        return list(ids), list(texts)

    def split_regex(self) -> str:
        """The pre-tokenisation pattern; empty if the tokenizer has none."""
        return str(self._handle.split_pattern())


class Model:
    """A model that the engine has loaded. `Model.load(runtime.models()[0])` is the default one."""

    __slots__ = ("_handle", "_info")

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._info: Any = None

    @classmethod
    def load(cls, name: str) -> "Model":
        """The model of that name. Raises `HostError` ("model-not-found")."""
        return cls(host.call(host.model.Model.load, checked.text(name)))

    @property
    def info(self) -> Any:
        """What the engine says about the model; asked for once."""
        if self._info is None:
            self._info = self._handle.info()
        return self._info

    @property
    def name(self) -> str:
        return str(self.info.name)

    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self._handle.tokenizer())

    def default_system_speculation(self) -> bool:
        """Whether generation asks the engine for drafts unless told otherwise."""
        return bool(self.info.speculates)

    def __repr__(self) -> str:
        return f"Model({self.name!r})"
