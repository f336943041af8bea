"""Grammars that an answer has to obey: JSON, a schema, tool calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pie.host.served import ServedModel
from pie.openai.answer import CALL
from pie.openai.api_error import invalid
from pie.openai.requests import FlatFormat, ResponseFormat
from pie.openai.tools import ToolUse, calls_grammar, rest_of_call_grammar, with_spacing

if TYPE_CHECKING:
    from pie.model.grammar import Grammar, Grammars
    from pie.sched.constraint import Constraint

Format = ResponseFormat | FlatFormat | None

MakeConstraint = Callable[[], "Constraint | None"]
"""A constraint is used up by one answer; every answer gets its own."""


class CallConstraint:
    """Lets the model write what it likes until it begins a tool call; the rest of the call obeys a grammar."""

    def __init__(self, marker: int, grammar: Grammar) -> None:
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
    """The grammars of all models."""

    def __init__(self) -> None:
        self._grammars: dict[str, Grammars] = {}

    def of(self, model: ServedModel, use: ToolUse, form: Format) -> MakeConstraint:
        """What makes the constraint of an answer. Raises `ApiError`, `GrammarError`."""
        grammar = self._grammar(model, use, form)
        if grammar is not None:
            return grammar.matcher
        marker = model.loaded.tokenizer.id_of(CALL)
        if use.is_strict and marker is not None:
            strict = self._of(model).lark(rest_of_call_grammar(use))
            return lambda: CallConstraint(marker, strict)
        return _unconstrained

    def _grammar(self, model: ServedModel, use: ToolUse, form: Format) -> Grammar | None:
        """The grammar of the whole answer, if there is one."""
        kind = "text" if form is None else form.type
        if use.must_call:
            if kind != "text":
                raise invalid("a call is required, so the answer cannot have a format of its own", "response_format")
            return self._of(model).lark(calls_grammar(use))
        if kind == "json_object":
            return self._of(model).json_object()
        if kind == "json_schema":
            schema = _schema(form)
            return self._of(model).json_schema(schema)
        return None

    def _of(self, model: ServedModel) -> Grammars:
        if model.name not in self._grammars:
            from pie.model.grammar import Grammars

            self._grammars[model.name] = Grammars(model.loaded.tokenizer, model.loaded.stop_tokens)
        return self._grammars[model.name]


def _unconstrained() -> None:
    return None


def _schema(form: Format) -> dict[str, Any]:
    described = form.json_schema if isinstance(form, ResponseFormat) else form
    if described is None or described.schema is None:
        param = "response_format.json_schema.schema" if isinstance(form, ResponseFormat) else "text.format.schema"
        raise invalid("a format of type 'json_schema' needs a schema", param, "missing_required_parameter")
    return with_spacing(described.schema)
