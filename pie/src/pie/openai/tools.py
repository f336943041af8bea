"""Which tools the model is shown and which it may or must call. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pie.openai.answer import CALL, CALL_END
from pie.openai.api_error import invalid
from pie.openai.requests import FlatNamedChoice, FlatTool, Function, NamedChoice, Tool

Choice = Literal["none", "auto", "required"] | NamedChoice | FlatNamedChoice | None

_SPACING = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False}
"""How models are shown JSON, so how they write it best; and no room for white space without end."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What a request says about tools."""

    shown: tuple[Function, ...] = ()
    """What stands in the prompt; empty: no call is looked for in the answer."""
    callable: tuple[Function, ...] = ()
    must_call: bool = False
    parallel: bool = True

    @property
    def is_strict(self) -> bool:
        """Whether calls have to obey their functions' schemas although the model need not call."""
        return not self.must_call and any(function.strict for function in self.callable)


def tool_use(tools: Sequence[Tool | FlatTool] | None, choice: Choice, parallel: bool | None) -> ToolUse:
    """Raises `ApiError` for a choice that the tools do not have."""
    functions = tuple(_function(tool) for tool in tools or ())
    if not functions:
        if choice not in (None, "none", "auto"):
            raise invalid("'tool_choice' is only allowed when 'tools' are given", "tool_choice")
        return ToolUse()
    if len({function.name for function in functions}) < len(functions):
        raise invalid("two tools have the same name", "tools")
    if choice == "none":
        return ToolUse()
    together = parallel is not False
    if choice is None or choice == "auto":
        return ToolUse(functions, functions, parallel=together)
    if choice == "required":
        return ToolUse(functions, functions, must_call=True, parallel=together)
    return ToolUse(functions, _named(functions, choice), must_call=True, parallel=False)


def calls_grammar(use: ToolUse) -> str:
    """A Lark grammar of an answer that is nothing but calls."""
    more = ' ("\\n" call)*' if use.parallel else ""
    return "\n".join([f"start: call{more}", f"call: {_text(CALL)} rest", *_rest_of_call(use, strict_only=False)])


def rest_of_call_grammar(use: ToolUse) -> str:
    """A Lark grammar of what follows the marker that begins a call. Only strict functions are held to their schemas."""
    return "\n".join(["start: rest", *_rest_of_call(use, strict_only=True)])


def with_spacing(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, with the white space that the grammar engine is to allow."""
    return {"x-guidance": _SPACING, **schema}


def _rest_of_call(use: ToolUse, *, strict_only: bool) -> list[str]:
    count = len(use.callable)
    rules = [f"rest: {_text(chr(10))} ({' | '.join(f'call_{number}' for number in range(count))}) {_text(chr(10) + CALL_END)}"]
    for number, function in enumerate(use.callable):
        loose = strict_only and not function.strict
        schema = with_spacing({"type": "object"} if loose else function.parameters or {"type": "object", "properties": {}})
        head = _text(f'{{"name": {json.dumps(function.name)}, "arguments": ')
        rules += [f'call_{number}: {head} arguments_{number} "}}"', f"arguments_{number}: %json {json.dumps(schema)}"]
    return rules


def _text(text: str) -> str:
    """A text as Lark writes it."""
    return json.dumps(text)


def _function(tool: Tool | FlatTool) -> Function:
    if isinstance(tool, Tool):
        return tool.function
    return Function(tool.name, tool.description, tool.parameters, tool.strict)


def _named(functions: Sequence[Function], choice: NamedChoice | FlatNamedChoice) -> tuple[Function, ...]:
    name = choice.function.name if isinstance(choice, NamedChoice) else choice.name
    named = tuple(function for function in functions if function.name == name)
    if not named:
        raise invalid(f"'tool_choice' names '{name}', which is not among the tools", "tool_choice")
    return named
