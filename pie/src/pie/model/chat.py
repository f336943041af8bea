"""Conversations as tokens, in the format that a model was trained on."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pie.errors import InvalidArgumentError, TemplateError
from pie.model.conversation import Message, Pieces, take_apart
from pie.model.markup import MarkupEncoder, Part
from pie.model.template_sandbox import Template
from pie.model.tokenizer import Tokenizer

Segment = tuple[str, Any]
"""("tokens", ids), ("text" | "system" | "user" | "assistant", text), ("cue" | "seal", None)."""

Renderer = Callable[[Mapping[str, object]], str]
"""A template: its variables → text. Raises `TemplateError`."""

CHATML = """\
{%- for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
"""For models that come without a template, or with one that cannot be taken apart."""


class ChatTemplate:
    """A model's chat template, as pieces for programs that build a conversation step by step, and as a whole."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        source: str | None,
        now: Callable[[], datetime],
        *,
        tools_source: str | None = None,
        special_tokens: Mapping[str, str] | None = None,
    ) -> None:
        """`source` is the Jinja template (None: ChatML), `tools_source` the one for conversations with tools if there are two.

        `special_tokens` are the texts of `bos_token`, `eos_token` and so on. `now` is what the template's `strftime_now` tells; a
        date in the pieces stays what it is now. A source that is no template is no failure: programs that write no conversations
        can do without; `problem` says what is wrong, and `render` raises it.
        """
        self._tokenizer = tokenizer
        self._encoder = MarkupEncoder(tokenizer)
        self._special_tokens = dict(special_tokens or {})
        self._render = _renderer(source or CHATML, now)
        self._render_with_tools = _renderer(tools_source, now) if tools_source else self._render
        self.pieces, self.problem = self._taken_apart(now)
        self.stop_tokens = self._encoder.special(self.pieces.seal)[:1]
        self._anchor = tokenizer.decode_special(self.stop_tokens[0]) if self.stop_tokens and tokenizer.spaces_stripped else ""

    pieces: Pieces
    problem: str | None
    """Why the pieces are those of ChatML and not of the model's own template, if so."""
    stop_tokens: list[int]
    """The token that ends an assistant turn; none if the template ends it with plain text."""

    def encode(self, segments: Sequence[Segment], *, following: bool) -> list[int]:
        """Tokens of the segments, in order. `following`: conversation turns came before, so no opening is written.

        Special tokens are recognised in "text", never in "system", "user" and "assistant".
        """
        tokens: list[int] = []
        turns: list[Segment] = []
        for kind, payload in segments:
            if kind in ("tokens", "text"):
                tokens += self._turns(turns, following)
                following = following or bool(turns)
                turns = []
                tokens += payload if kind == "tokens" else self._tokenizer.encode(payload)
            else:
                turns.append((kind, payload))
        return tokens + self._turns(turns, following)

    def render(self, messages: Sequence[Any], tools: Sequence[Any] | None = None, *, add_cue: bool) -> list[int]:
        """Tokens of a whole conversation through the template itself.

        Special tokens in the messages and tools are text, as in `encode`. Raises `TemplateError`, `InvalidArgumentError`.
        """
        if not all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in messages):
            raise InvalidArgumentError('messages must be objects with a "role"')
        hidden = _Hidden(self._tokenizer, repr((messages, tools)))
        renderer = self._render_with_tools if tools else self._render
        text = self._text(renderer, hidden.hide(list(messages)), hidden.hide(list(tools)) if tools else None, add_cue)
        if not hidden.texts:
            return self._tokenizer.encode(text)
        return MarkupEncoder(self._tokenizer).encode(hidden.parts(text))

    def _turns(self, segments: Sequence[Segment], following: bool) -> list[int]:
        if not segments:
            return []
        parts = list(_parts(self.pieces, segments, following))
        return self._encoder.encode(parts, anchor=self._anchor if following else "")

    def _text(self, renderer: Renderer, messages: Sequence[Message], tools: Sequence[Any] | None, add_cue: bool) -> str:
        conversation = {"messages": messages, "tools": tools, "documents": None, "add_generation_prompt": add_cue}
        return renderer({**self._special_tokens, **conversation})

    def _taken_apart(self, now: Callable[[], datetime]) -> tuple[Pieces, str | None]:
        tokens = {"first_token": self._special_tokens.get("bos_token", ""), "last_token": self._special_tokens.get("eos_token", "")}
        try:
            return take_apart(lambda messages, cue: self._text(self._render, messages, None, cue), **tokens), None
        except TemplateError as error:
            fallback = _renderer(CHATML, now)
            return take_apart(lambda messages, cue: self._text(fallback, messages, None, cue), **tokens), error.message


def _renderer(source: str, now: Callable[[], datetime]) -> Renderer:
    """What renders a template; for one that cannot be compiled, what says so."""
    try:
        return Template(source, now).render
    except TemplateError as error:
        return partial(_refuse, error.message)


def _refuse(problem: str, _: Mapping[str, object]) -> str:
    raise TemplateError(problem)


def _parts(pieces: Pieces, segments: Sequence[Segment], following: bool) -> list[Part]:
    """The segments as the template writes them."""
    parts: list[Part] = []
    merging = False
    for index, (kind, text) in enumerate(segments):
        if kind == "system":
            turn = pieces.system if following else pieces.first_system
            parts += (Part(turn.before), Part(turn.text(text), is_content=True), Part(turn.after))
            merging = pieces.merged and [kind for kind, _ in segments[index + 1 : index + 2]] == ["user"]
            if pieces.merged and not merging:
                parts.append(Part(pieces.user.after))
        else:
            if not (following or kind == "seal"):
                parts.append(Part(pieces.opening))
            parts += _turn(pieces, kind, text)[1 if merging else 0 :]
            merging = False
        following = True
    return parts


def _turn(pieces: Pieces, kind: str, text: str | None) -> tuple[Part, ...]:
    if kind == "cue":
        return (Part(pieces.cue),)
    if kind == "seal":
        return (Part(pieces.seal),)
    assert text is not None, "turns have a text"
    turn = pieces.user if kind == "user" else pieces.assistant
    if kind == "assistant" and pieces.reasoning_end and pieces.reasoning_end in text:
        text = text.rpartition(pieces.reasoning_end)[2].lstrip("\n")
    return Part(turn.before), Part(turn.text(text), is_content=True), Part(turn.after)


class _Hidden:
    """Special tokens in a conversation's texts, replaced by marker words while the template runs."""

    def __init__(self, tokenizer: Tokenizer, everything: str) -> None:
        """`everything` holds all texts of the conversation, so that no marker is among them."""
        special = sorted((tokenizer.decode_special(token) for token in tokenizer.special_ids), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, special)) or r"(?!)")
        self._marker = "Pie0hidden"
        while self._marker in everything:
            self._marker += "0"
        self.texts: list[str] = []

    def hide(self, value: Any) -> Any:
        """The value, with every special token in a string replaced."""
        if isinstance(value, str):
            return self._special.sub(self._replace, value)
        if isinstance(value, dict):
            return {self.hide(key): self.hide(item) for key, item in value.items()}
        return [self.hide(item) for item in value] if isinstance(value, list) else value

    def parts(self, text: str) -> list[Part]:
        """A rendered text, cut where something was hidden."""
        markup, *rest = re.split(rf"{self._marker}n(\d+)x", text)
        parts = [Part(markup)]
        for index, after in zip(rest[::2], rest[1::2], strict=True):
            parts += (Part(self.texts[int(index)], is_content=True), Part(after))
        return parts

    def _replace(self, match: re.Match[str]) -> str:
        self.texts.append(match[0])
        return f"{self._marker}n{len(self.texts) - 1}x"
