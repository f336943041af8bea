"""Which tools are shown, and which must be called."""

from typing import Any

import pytest

from pie.openai.api_error import ApiError
from pie.openai.requests import FlatNamedChoice, FlatTool, Function, FunctionName, NamedChoice, Tool
from pie.openai.tools import ToolUse, tool_use

F, G = Function("f"), Function("g", strict=True)
TOOLS = [Tool("function", F), FlatTool("function", "g", strict=True)]


@pytest.mark.parametrize("choice", [None, "auto"])
def test_by_default_the_model_chooses(choice: Any) -> None:
    assert tool_use(TOOLS, choice, None) == ToolUse((F, G), (F, G))
    assert tool_use(TOOLS, choice, None).is_strict


def test_none_hides_the_tools() -> None:
    assert tool_use(TOOLS, "none", None) == ToolUse()


def test_required_means_that_it_must_call() -> None:
    assert tool_use(TOOLS, "required", False) == ToolUse((F, G), (F, G), must_call=True, parallel=False)


@pytest.mark.parametrize("choice", [NamedChoice("function", FunctionName("g")), FlatNamedChoice("function", "g")])
def test_a_named_function_is_the_only_one_called(choice: NamedChoice | FlatNamedChoice) -> None:
    assert tool_use(TOOLS, choice, None) == ToolUse((F, G), (G,), must_call=True, parallel=False)


@pytest.mark.parametrize(
    ("tools", "choice"),
    [([], "required"), (TOOLS, NamedChoice("function", FunctionName("h"))), ([TOOLS[0], TOOLS[0]], "auto")],
)
def test_choices_that_make_no_sense_are_refused(tools: Any, choice: Any) -> None:
    with pytest.raises(ApiError):
        tool_use(tools, choice, None)
