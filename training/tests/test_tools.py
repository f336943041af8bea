import json
from random import Random

import pytest

from training.tools import TOOLS, Tool, draw_call, invented_tool


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.name))
def test_every_argument_can_be_read_from_the_question(tool: Tool) -> None:
    random = Random(1)
    for _ in range(50):
        call = draw_call(random, tool)
        assert all(str(value) in call.question for value in call.arguments.values()), call.question


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.name))
def test_a_call_is_one_json_object_between_the_marks(tool: Tool) -> None:
    call = draw_call(Random(2), tool)
    opening, body, closing = call.text().split("\n")
    assert (opening, closing) == ("<tool_call>", "</tool_call>")
    assert json.loads(body) == {"name": tool.name, "arguments": call.arguments}


def test_the_schema_names_every_parameter_as_required() -> None:
    tool = invented_tool(Random(3))
    schema = tool.schema()["function"]["parameters"]
    assert schema["required"] == list(schema["properties"]) == [parameter.name for parameter in tool.parameters]


def test_an_invented_tool_is_called_with_the_values_of_the_question() -> None:
    random = Random(4)
    for _ in range(50):
        call = draw_call(random, invented_tool(random))
        assert all(f"{name} {value}" in call.question for name, value in call.arguments.items())
