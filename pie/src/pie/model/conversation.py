"""The pieces that a chat template builds conversations from, found by rendering probes and cutting them apart.

A program does not hand over whole conversations: it appends a user turn to a context that already holds the others. So the
template, a function of whole conversations, is taken apart into what it writes around a text in each role:

    opening | user.before · TEXT · user.after | assistant.before · TEXT · seal | user.before · TEXT · …

and, with a system text in front, either a turn of its own before the first user turn or, in templates that know no such turn
(Llama 2, Mistral, Gemma), both texts in one turn. The probes are conversations of marker words; the pieces are what stands between
them. A template that is not built this way cannot be taken apart: that is an error here, and the caller falls back to ChatML.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pie.errors import TemplateError

Message = dict[str, Any]
Render = Callable[[Sequence[Message], bool], str]
"""A template: messages, and whether to add the cue → text. Raises `TemplateError`."""

_SYSTEM, _USER, _ASSISTANT, _LATER_USER, _THOUGHT = (
    f"Pie0{word}0probe" for word in ("system", "user", "assistant", "later", "thought")
)
_REASONING_END = "</think>"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a template writes around a text."""

    before: str
    after: str
    trimmed: bool = False
    """Whether white space around the text is dropped."""

    def text(self, content: str) -> str:
        return content.strip() if self.trimmed else content


@dataclass(frozen=True, slots=True)
class Pieces:
    opening: str
    """In front of a conversation without a system text: a first token, a default system text."""
    user: Turn
    assistant: Turn
    cue: str
    """Where the model is to start its turn."""
    reasoning_end: str
    """A past assistant text is shown only from behind the last of these; empty: all of it is."""
    first_system: Turn
    """A system text at the start, the opening included."""
    system: Turn
    """A system text later on."""
    merged: bool
    """The system text stands in a user turn: SYSTEM is followed by the user's text and `user.after`."""

    @property
    def seal(self) -> str:
        """What ends an assistant turn."""
        return self.assistant.after


def take_apart(render: Render, *, first_token: str, last_token: str) -> Pieces:
    """The pieces of a template. `first_token` and `last_token` are the texts of the tokens that start and end a sequence.

    Raises `TemplateError` if the template does not render the probes, or not as such pieces.
    """
    whole = _whole(render, last_token)
    before, after = _cut(whole([_user()], False), _USER)
    asked = _Question(before, after, _without_start(whole([_user()], True), before + _USER + after))
    _, answered, between, _ = _cut(whole([_user(), _assistant(), _user(_LATER_USER)], False), _USER, _ASSISTANT, _LATER_USER)
    seal = _cut(whole([_user(), _assistant()], False), _ASSISTANT)[1]
    user = Turn(_without_start(between, seal), after, _trims(whole, _USER, lambda text: [_user(text)]))
    assistant = Turn(
        _without_start(answered, after),
        seal,
        _trims(whole, _ASSISTANT, lambda text: [_user(), _assistant(text), _user(_LATER_USER)]),
    )
    opening = _without_end(asked.before, user.before)
    first_system, system, merged = _system_turns(whole, opening, user, seal, first_token)
    return Pieces(opening, user, assistant, asked.cue, _reasoning_end(whole), first_system, system, merged)


@dataclass(frozen=True, slots=True)
class _Question:
    """A conversation of one user turn."""

    before: str
    after: str
    cue: str


def _whole(render: Render, last_token: str) -> Render:
    """The template without the last token that some (Phi 3) put behind every conversation that has no cue."""
    plain, cued = render([_user()], False), render([_user()], True)
    if cued.startswith(plain) or not (last_token and plain.endswith(last_token)):
        return render
    return lambda messages, cue: render(messages, cue) if cue else _without_end(render(messages, cue), last_token)


def _system_turns(render: Render, opening: str, user: Turn, seal: str, first_token: str) -> tuple[Turn, Turn, bool]:
    """The turn of a first system text, that of a later one, and whether they are the start of a user turn."""
    try:
        text = render([_system(), _user()], False)
    except TemplateError:  # the template refuses system texts: a paragraph in front of the user's is the usual way out
        return Turn(opening + user.before, "\n\n", user.trimmed), Turn(user.before, "\n\n", user.trimmed), True
    before, between, _ = _cut(text, _SYSTEM, _USER)
    trimmed = _trims(render, _SYSTEM, lambda text: [_system(text), _user()])
    if not between.endswith(user.before):
        return Turn(before, between, trimmed), Turn(before.removeprefix(opening), between, trimmed), True
    first = Turn(before, _without_end(between, user.before), trimmed)
    return first, _later_system(render, first, user, seal, first_token), False


def _later_system(render: Render, first: Turn, user: Turn, seal: str, first_token: str) -> Turn:
    try:
        text = render([_user(), _assistant(), _system(), _user(_LATER_USER)], False)
        _, before, after, _ = _cut(text, _ASSISTANT, _SYSTEM, _LATER_USER)
        return Turn(_without_start(before, seal), _without_end(after, user.before), first.trimmed)
    except TemplateError:  # the template has system texts at the start only
        return replace(first, before=first.before.removeprefix(first_token))


def _trims(render: Render, marker: str, messages: Callable[[str], list[Message]]) -> bool:
    tight, loose = _cut(render(messages(marker), False), marker), _cut(render(messages(f" \n{marker}\n "), False), marker)
    return tight == loose


def _reasoning_end(render: Render) -> str:
    answer = f"<think>\n{_THOUGHT}\n{_REASONING_END}\n\n{_ASSISTANT}"
    text = render([_user(), _assistant(answer), _user(_LATER_USER)], False)
    return "" if _THOUGHT in text else _REASONING_END


def _system(text: str = _SYSTEM) -> Message:
    return {"role": "system", "content": text}


def _user(text: str = _USER) -> Message:
    return {"role": "user", "content": text}


def _assistant(text: str = _ASSISTANT) -> Message:
    return {"role": "assistant", "content": text}


def _cut(text: str, *markers: str) -> list[str]:
    """What stands around the markers, each of which must be there once, in order."""
    rest = text
    pieces = []
    for marker in markers:
        before, found, rest = rest.partition(marker)
        if not found or text.count(marker) != 1:
            raise TemplateError("the chat template does not write each text once, in order")
        pieces.append(before)
    return [*pieces, rest]


def _without_start(text: str, start: str) -> str:
    if not text.startswith(start):
        raise TemplateError("the chat template writes a turn differently depending on what follows")
    return text[len(start) :]


def _without_end(text: str, end: str) -> str:
    if not text.endswith(end):
        raise TemplateError("the chat template writes a turn differently depending on what comes before")
    return text[: len(text) - len(end)]
