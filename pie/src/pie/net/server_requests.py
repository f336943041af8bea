"""Requests about the server and the connection itself: is it there, how is it, which MCP servers are beside the client; and what
operators may ask."""

import json
from collections.abc import Sequence

import msgspec

from pie.limits import LISTED_INPUT_CHARACTERS_MAX
from pie.net.caller import Caller
from pie.net.model_status import model_status
from pie.net.refused import RefusedError
from pie.processes.process import Process
from pie_wire.limits import FRAME_BYTES_MAX
from pie_wire.messages import (
    Drain,
    ListedProcess,
    ListProcesses,
    McpResponse,
    Message,
    Ping,
    Query,
    RegisterMcpServer,
    ReloadConfig,
)

QUERIES = ("model_status", "status", "processes")
NOT_SUPPORTED = {
    "launch_daemon": "daemons are not supported: launch a process, or use the HTTP routes",
    "submit_workflow": "workflows are not supported: launch a process that launches others",
}
_LIST_BYTES_MAX = FRAME_BYTES_MAX - 1024
"""Of a list of processes, so that it fits an answer."""

_encode = msgspec.json.Encoder().encode


def ping(_: Caller, message: Ping) -> str:
    return "Pong"


def query(caller: Caller, message: Query) -> str:
    match message.subject:
        case "model_status":
            return json.dumps(model_status(caller.hub.engine.statistics()))
        case "status":
            caller.demand_operator()
            return json.dumps(caller.hub.operations.status())
        case "processes":
            caller.demand_operator()
            return _listed(caller, caller.hub.engine.processes())
        case subject:
            raise RefusedError(f"Unknown query subject {subject[:100]!r}; known: {', '.join(QUERIES)}")


def list_processes(caller: Caller, message: ListProcesses) -> str:
    return _listed(caller, caller.hub.engine.processes(caller.username))


def register_mcp_server(caller: Caller, message: RegisterMcpServer) -> str:
    caller.outgoing.relay.register(message)
    return "MCP server registered"


def mcp_response(caller: Caller, message: McpResponse) -> None:
    if not caller.outgoing.relay.answered(message):
        raise RefusedError("nobody waits for this answer")


async def drain(caller: Caller, message: Drain) -> str:
    caller.demand_operator()
    await caller.hub.operations.drain(message.enabled)
    return "Draining" if message.enabled else "Serving"


async def reload_config(caller: Caller, message: ReloadConfig) -> str:
    caller.demand_operator()
    return json.dumps(await caller.hub.operations.reload())


def not_supported(_: Caller, message: Message) -> str:
    is_daemon = type(message).__struct_config__.tag == "launch_daemon"
    raise RefusedError(NOT_SUPPORTED["launch_daemon" if is_daemon else "submit_workflow"])


def _listed(caller: Caller, processes: Sequence[Process]) -> str:
    """As JSON, the newest ones if not all of them fit an answer; inputs are cut."""
    elements: list[bytes] = []
    size = 0
    for process in reversed(processes):
        element = _encode(_listed_process(caller, process))
        size += len(element) + 1
        if size > _LIST_BYTES_MAX:
            break
        elements.append(element)
    return (b"[" + b",".join(reversed(elements)) + b"]").decode()


def _listed_process(caller: Caller, process: Process) -> ListedProcess:
    held = caller.hub.held.get(process.id)
    cut = "…" if len(process.input) > LISTED_INPUT_CHARACTERS_MAX else ""
    return ListedProcess(
        id=process.id,
        username=process.username,
        program=process.program,
        input=process.input[:LISTED_INPUT_CHARACTERS_MAX] + cut,
        elapsed_secs=max(0.0, (caller.hub.clock.wall_ns() - process.created_ns) / 1e9),
        state=process.state,
        attached=held is not None and held.attachment is not None,
        tokens=process.tokens,
    )
