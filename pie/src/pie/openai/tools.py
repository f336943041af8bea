"""Which tools the model is shown and which it may or must call. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pie.openai.api_error import invalid
from pie.openai.requests import FlatNamedChoice, FlatTool, Function, NamedChoice, Tool

Choice = Literal["none", "auto", "required"] | NamedChoice | FlatNamedChoice | None


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
