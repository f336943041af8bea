"""A model as the engine sees it: everything but the weights."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from pie.errors import ModelError
from pie.model.chat import ChatTemplate
from pie.model.tokenizer import Tokenizer

T = TypeVar("T")
_Count = Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    name: str
    folder: Path
    architecture: str
    """Such as `Qwen3ForCausalLM`."""
    vocabulary_size: int
    context_max: int
    """The longest context in tokens."""
    tokenizer: Tokenizer
    chat: ChatTemplate
    stop_tokens: tuple[int, ...]
    """What ends an assistant turn: the template's own token first, then the model's end tokens."""


class ModelConfig(msgspec.Struct, frozen=True):
    """What the engine reads of config.json."""

    vocab_size: _Count
    max_position_embeddings: _Count
    architectures: tuple[str, ...] = ()
    model_type: str = ""
    eos_token_id: int | tuple[int, ...] | None = None

    @property
    def architecture(self) -> str:
        """Such as `Qwen3ForCausalLM`; a model that names none is known by its type."""
        return self.architectures[0] if self.architectures else self.model_type


class _NestedConfig(msgspec.Struct):
    """config.json of a model whose language part is one of several."""

    architectures: tuple[str, ...] = ()
    text_config: dict[str, Any] | None = None


class _GenerationConfig(msgspec.Struct):
    eos_token_id: int | tuple[int, ...] | None = None


class _NamedTemplate(msgspec.Struct):
    name: str
    template: str


class _TokenText(msgspec.Struct):
    content: str


class _TokenizerConfig(msgspec.Struct):
    chat_template: str | list[_NamedTemplate] | None = None
    bos_token: str | _TokenText | None = None
    eos_token: str | _TokenText | None = None
    unk_token: str | _TokenText | None = None
    pad_token: str | _TokenText | None = None


def load(name: str, folder: Path, now: Callable[[], datetime]) -> LoadedModel:
    """The model in a folder with config.json, tokenizer.json and what else describes it. `now` is for chat templates that date
    their texts. Raises `ModelError`."""
    config = read_config(folder)
    tokenizer = Tokenizer.load(folder, config.vocab_size)
    settings = _read_optional(folder / "tokenizer_config.json", _TokenizerConfig)
    texts = _special_texts(settings)
    sources = _template_sources(folder, settings)
    source = sources.get("default")
    chat = ChatTemplate(tokenizer, source, now, tools_source=sources.get("tool_use"), special_tokens=texts)
    ends = [*chat.stop_tokens, *_end_tokens(folder, config), *_known(tokenizer, [texts.get("eos_token")])]
    stop_tokens = tuple(dict.fromkeys(token for token in ends if token < config.vocab_size))
    architecture = config.architectures[0]
    return LoadedModel(name, folder, architecture, config.vocab_size, config.max_position_embeddings, tokenizer, chat, stop_tokens)


def read_config(folder: Path) -> ModelConfig:
    """config.json of a model's folder. Raises `ModelError`."""
    path = folder / "config.json"
    data = _bytes(path)
    if data is None:
        raise ModelError(f"{folder} holds no model: it has no config.json")
    nested = _decoded(path, data, _NestedConfig)
    if nested.text_config is not None:
        data = msgspec.json.encode({"architectures": nested.architectures} | nested.text_config)
    config = _decoded(path, data, ModelConfig)
    if not config.architecture:
        raise ModelError(f"{path}: names no architecture")
    return config


def _end_tokens(folder: Path, config: ModelConfig) -> tuple[int, ...]:
    """generation_config.json overrules config.json: that is where fine-tuned models correct it."""
    generation = _read_optional(folder / "generation_config.json", _GenerationConfig)
    ends = config.eos_token_id if generation.eos_token_id is None else generation.eos_token_id
    if ends is None:
        return ()
    return (ends,) if isinstance(ends, int) else ends


def _known(tokenizer: Tokenizer, texts: Iterable[str | None]) -> list[int]:
    ids = (tokenizer.id_of(text) for text in texts if text is not None)
    return [token for token in ids if token is not None]


def _template_sources(folder: Path, settings: _TokenizerConfig) -> dict[str, str]:
    """The model's chat templates by name; the one for ordinary conversations is `default`."""
    file = _bytes(folder / "chat_template.jinja")
    if file is not None:
        return {"default": file.decode("utf-8", "replace")}
    template = settings.chat_template
    if isinstance(template, list):
        return {entry.name: entry.template for entry in template}
    return {} if template is None else {"default": template}


def _special_texts(settings: _TokenizerConfig) -> dict[str, str]:
    tokens = {name: getattr(settings, name) for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
    return {name: token.content if isinstance(token, _TokenText) else token for name, token in tokens.items() if token is not None}


def _read_optional(path: Path, type_: type[T]) -> T:
    data = _bytes(path)
    return type_() if data is None else _decoded(path, data, type_)


def _bytes(path: Path) -> bytes | None:
    """A file's content; None if there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def _decoded(path: Path, data: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.MsgspecError as error:
        raise ModelError(f"{path}: {error}") from error
    except RecursionError as error:
        raise ModelError(f"{path}: nested too deeply") from error
