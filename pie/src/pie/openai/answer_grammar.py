"""Grammars of answers that may be, or have to be, tool calls; in Lark as llguidance reads it. Pure."""

import json
from collections.abc import Sequence

from pie.model.grammar_weight import demand_light_schema
from pie.model.json_schema import Schema, closed
from pie.openai.answer import CALL, CALL_END
from pie.openai.requests import Function
from pie.openai.tools import ToolUse

ANY_OBJECT: Schema = {"type": "object"}

_SPACING = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False, "coerce_one_of": True}
"""How models are shown JSON, so how they write it best; and no room for white space without end."""


def answer_grammar(use: ToolUse, schema: Schema | None) -> str | None:
    """What the whole answer of a model with tools obeys; None: nothing. `schema` is that of an answer which is no call.

    Raises `GrammarError`.
    """
    if use.must_call:
        return _lines("start: calls", _calls(use), _rest_of_call(use.callable, use.callable))
    if schema is None:
        return None
    return _lines("start: answer | calls", [f"answer: {_json(schema)}"], _calls(use), _rest_of_call(use.callable, use.callable))


def rest_of_call_grammar(use: ToolUse) -> str:
    """What follows the marker that begins a call, in an answer that is free otherwise. Only strict functions are held to their
    schemas. Raises `GrammarError`."""
    strict = [function for function in use.callable if function.strict]
    return _lines("start: rest", _rest_of_call(use.callable, strict))


def _calls(use: ToolUse) -> list[str]:
    more = f" ({_text(chr(10))} call)*" if use.parallel else ""
    return [f"calls: call{more}", f"call: {_text(CALL)} rest"]


def _rest_of_call(functions: Sequence[Function], held: Sequence[Function]) -> list[str]:
    """`held` are the functions whose arguments have to obey their schemas."""
    names = " | ".join([f"call_{number}" for number in range(len(functions))])
    rules = [f"rest: {_text(chr(10))} ({names}) {_text(chr(10) + CALL_END)}"]
    for number, function in enumerate(functions):
        schema = (function.parameters or {**ANY_OBJECT, "properties": {}}) if function in held else ANY_OBJECT
        head = _text(f'{{"name": {json.dumps(function.name)}, "arguments": ')
        rules += [f'call_{number}: {head} arguments_{number} "}}"', f"arguments_{number}: {_json(schema)}"]
    return rules


def _json(schema: Schema) -> str:
    demand_light_schema(schema)
    return f"%json {json.dumps({**closed(schema), 'x-guidance': _SPACING})}"


def _text(text: str) -> str:
    """A text as Lark writes it."""
    return json.dumps(text)


def _lines(start: str, *rules: Sequence[str]) -> str:
    return "\n".join([start, *(rule for group in rules for rule in group)])
