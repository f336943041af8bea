"""Grammars that an answer has to obey: JSON, a schema, tool calls."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from pie.host.served import ServedModel
from pie.model.grammar import Grammar, Grammars
from pie.model.json_schema import Schema
from pie.openai.answer import CALL
from pie.openai.answer_grammar import ANY_OBJECT, answer_grammar, rest_of_call_grammar
from pie.openai.api_error import invalid
from pie.openai.requests import FlatFormat, ResponseFormat
from pie.openai.tools import ToolUse
from pie.sched.constraint import Constraint

Format = ResponseFormat | FlatFormat | None

MakeConstraint = Callable[[], Constraint | None]
"""A constraint is used up by one answer; every answer gets its own."""


class MakesMatchers(Protocol):
    """A compiled grammar."""

    def matcher(self) -> Constraint: ...


def is_bound(use: ToolUse, form: Format) -> bool:
    """Whether a grammar holds an answer from its first token on."""
    return use.must_call or (form is not None and form.type != "text")


class CallConstraint:
    """Lets the model write what it likes until it begins a tool call; the rest of the call obeys a grammar."""

    def __init__(self, marker: int, grammar: MakesMatchers) -> None:
        """`marker` is the token that begins a call."""
        self._marker = marker
        self._grammar = grammar
        self._call: Constraint | None = None

    def mask(self) -> bytes:
        return self._call.mask() if self._call is not None else b""

    def accept(self, token: int) -> None:
        if self._call is None:
            if token == self._marker:
                self._call = self._grammar.matcher()
            return
        self._call.accept(token)
        if self._call.finished():
            self._call = None

    def finished(self) -> bool:
        return False


class Constraints:
    """The grammars of all models. Compiled in a thread: they come from strangers, and some take long."""

    def __init__(self) -> None:
        self._grammars: dict[str, Grammars] = {}

    async def of(self, model: ServedModel, use: ToolUse, form: Format) -> MakeConstraint:
        """What makes the constraint of an answer. Raises `ApiError`, `GrammarError`."""
        schema = _schema(form)
        if is_bound(use, form):
            return (await asyncio.to_thread(self._bound, model, use, schema)).matcher
        marker = model.loaded.tokenizer.id_of(CALL)
        if use.is_strict and marker is not None:
            strict = await asyncio.to_thread(lambda: self._of(model).lark(rest_of_call_grammar(use)))
            return lambda: CallConstraint(marker, strict)
        return _unconstrained

    def _bound(self, model: ServedModel, use: ToolUse, schema: Schema | None) -> Grammar:
        """The grammar of a whole answer."""
        grammars = self._of(model)
        text = answer_grammar(use, schema) if use.shown else None
        return grammars.json_schema(schema or ANY_OBJECT) if text is None else grammars.lark(text)

    def _of(self, model: ServedModel) -> Grammars:
        return self._grammars.setdefault(model.name, Grammars(model.loaded.tokenizer, model.loaded.stop_tokens))


def _unconstrained() -> None:
    return None


def _schema(form: Format) -> Schema | None:
    """What an answer in this format obeys; None: nothing. Raises `ApiError`."""
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return ANY_OBJECT
    described = form.json_schema if isinstance(form, ResponseFormat) else form
    if described is None or described.schema is None:
        param = "response_format.json_schema.schema" if isinstance(form, ResponseFormat) else "text.format.schema"
        raise invalid("a format of type 'json_schema' needs a schema", param, "missing_required_parameter")
    return described.schema
