import asyncio
from typing import Any

import pytest
from scripted_engine import Engine, Run

from inferlet import McpError, mcp


def test_servers_are_those_the_client_has_registered(engine: Engine) -> None:
    engine.servers = {"a": "{}", "b": "{}"}
    assert mcp.available_servers() == ["a", "b"]


def test_an_unknown_server_is_an_error(engine: Engine) -> None:
    with pytest.raises(McpError, match="not registered") as refused:
        mcp.connect("nobody")
    assert refused.value.code == -1


TEXT_CALLS: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("list_tools", (), ("tools/list",)),
    ("call_tool", ("add", '{"a": 1}'), ("tools/call", "add", '{"a": 1}')),
    ("list_resources", (), ("resources/list",)),
    ("read_resource", ("file:///x",), ("resources/read", "file:///x")),
    ("list_prompts", (), ("prompts/list",)),
    ("get_prompt", ("hi", "{}"), ("prompts/get", "hi", "{}")),
]


@pytest.mark.parametrize(("method", "arguments", "asked"), TEXT_CALLS)
def test_answers_come_as_json_text(engine: Engine, method: Any, arguments: Any, asked: Any) -> None:
    engine.servers = {"s": '{"any": "thing"}'}
    with mcp.connect("s") as server:
        assert getattr(server, method)(*arguments) == '{"any": "thing"}'
    assert engine.asked == [("s", *asked)]
    assert engine.live["Session"] == 0


VALUE_CALLS: list[tuple[str, tuple[Any, ...], str, Any, tuple[str, ...]]] = [
    ("tools", (), '{"tools": [{"name": "add"}]}', [{"name": "add"}], ("tools/list",)),
    ("call", ("add", {"a": 1}), '{"content": []}', {"content": []}, ("tools/call", "add", '{"a": 1}')),
    ("resources", (), '{"resources": [{"uri": "x"}]}', [{"uri": "x"}], ("resources/list",)),
    ("resource", ("x",), '{"contents": [{"text": "t"}]}', [{"text": "t"}], ("resources/read", "x")),
    ("prompts", (), '{"prompts": [{"name": "hi"}]}', [{"name": "hi"}], ("prompts/list",)),
    ("prompt", ("hi",), '{"messages": []}', {"messages": []}, ("prompts/get", "hi", "{}")),
]


@pytest.mark.parametrize(("method", "arguments", "answer", "value", "asked"), VALUE_CALLS)
def test_answers_come_as_values(engine: Engine, run: Run, method: Any, arguments: Any, answer: Any, value: Any, asked: Any) -> None:
    engine.servers = {"s": answer}
    assert run(getattr(mcp.connect("s"), method)(*arguments)) == value
    assert engine.asked == [("s", *asked)]


def test_requests_are_waited_for_together(engine: Engine, run: Run) -> None:
    engine.servers = {"s": '{"tools": []}'}

    async def main():
        server = mcp.connect("s")
        before = engine.now_ns
        await asyncio.gather(*(server.tools() for _ in range(5)))
        return engine.now_ns - before

    assert run(main()) == 1_000_000


def test_the_servers_error_is_raised(engine: Engine, run: Run) -> None:
    engine.servers = {"s": None}
    with pytest.raises(McpError, match="no such method") as refused:
        mcp.connect("s").list_tools()
    assert refused.value.code == -32601
    with pytest.raises(McpError):
        run(mcp.connect("s").tools())
