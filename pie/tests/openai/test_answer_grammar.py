"""The grammar engine takes our grammars, and they say what they should."""

import json
from typing import Any

import llguidance

from pie.openai.answer_grammar import answer_grammar, rest_of_call_grammar
from pie.openai.requests import Function
from pie.openai.tools import ToolUse

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
WEATHER = Function('get_weather"', None, CITY, strict=True)
CLOCK = Function("clock")
BYTES = llguidance.LLTokenizer("byte")


def allows(grammar: str | None, text: str) -> bool:
    """Whether a whole answer may be this text."""
    assert grammar is not None
    matcher = llguidance.LLMatcher(BYTES, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    tokens = list(text.encode())
    return bool(matcher.validate_tokens(tokens) == len(tokens) and matcher.consume_tokens(tokens) and matcher.is_accepting())


def call(name: str, arguments: Any) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


def test_an_answer_that_must_call_is_nothing_but_calls() -> None:
    both = (WEATHER, CLOCK)
    grammar = answer_grammar(ToolUse(both, both, must_call=True), None)
    one, other = call(WEATHER.name, {"city": "Oslo"}), call("clock", {})
    assert allows(grammar, one)
    assert allows(grammar, f"{one}\n{other}")
    assert not allows(grammar, "Hello")
    assert not allows(grammar, call(WEATHER.name, {"town": "Oslo"}))
    assert not allows(grammar, call("made_up", {}))


def test_without_parallel_calls_there_is_one() -> None:
    grammar = answer_grammar(ToolUse((CLOCK,), (CLOCK,), must_call=True, parallel=False), None)
    assert allows(grammar, call("clock", {}))
    assert not allows(grammar, f"{call('clock', {})}\n{call('clock', {})}")


def test_a_model_with_tools_may_answer_in_json_or_call() -> None:
    grammar = answer_grammar(ToolUse((CLOCK,), (CLOCK,)), CITY)
    assert allows(grammar, '{"city": "Oslo"}')
    assert allows(grammar, call("clock", {}))


def test_an_answer_that_may_be_anything_has_no_grammar() -> None:
    assert answer_grammar(ToolUse((CLOCK,), (CLOCK,)), None) is None


def test_only_strict_functions_are_held_to_their_schemas() -> None:
    loose = Function("clock", None, CITY)
    grammar = rest_of_call_grammar(ToolUse((WEATHER, loose), (WEATHER, loose)))
    assert allows(grammar, call("clock", {"town": 1}).removeprefix("<tool_call>"))
    assert not allows(grammar, call(WEATHER.name, {"town": 1}).removeprefix("<tool_call>"))
