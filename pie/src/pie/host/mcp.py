"""`pie:inferlet/mcp`: MCP servers that run beside the client. Requests go through the guest's relay, whichever is attached then."""

import asyncio
import logging
from dataclasses import dataclass

import msgspec

from pie.host.guest import Guest
from pie.host.relay import McpError, McpRelay
from pie.limits import MCP_REQUESTS_MAX
from pie.sandbox.interface import Err, GuestFault, Interface, Ok
from pie.wasi.poll import FuturePollable, Pollable
from pie_wire.limits import FRAME_BYTES_MAX

__all__ = ["INTERFACE", "INVALID_ARGUMENTS", "UNAVAILABLE", "UNKNOWN_SERVER", "McpError", "McpRelay"]

log = logging.getLogger(__name__)

UNKNOWN_SERVER = -1
UNAVAILABLE = -32000
INTERNAL = -32603
INVALID_ARGUMENTS = -32602

Arguments = dict[str, str | msgspec.Raw]

_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Failure:
    """The WIT record `failure`."""

    number: int
    message: str


@dataclass(frozen=True, slots=True)
class McpSession:
    server: str


class FutureResult:
    """A request on its way. Its answer is kept until the guest drops it."""

    def __init__(self, request: "asyncio.Future[Ok | Err]", guest: Guest) -> None:
        self.future = request
        self._guest = guest
        guest.mcp_requests += 1

    def drop(self) -> None:
        self.future.cancel()
        self._guest.mcp_requests -= 1


def available_servers(guest: Guest) -> list[str]:
    return [] if guest.relay is None else list(guest.relay.servers())


def connect(guest: Guest, server: str) -> McpSession:
    try:
        _relay_to(guest, server)
    except McpError as error:
        raise GuestFault(Failure(error.number, error.message)) from None
    return McpSession(server)


def list_tools(guest: Guest, session: McpSession) -> FutureResult:
    return _request(guest, session, "tools/list", {})


def call_tool(guest: Guest, session: McpSession, name: str, arguments: str) -> FutureResult:
    return _request(guest, session, "tools/call", {"name": name}, arguments)


def list_resources(guest: Guest, session: McpSession) -> FutureResult:
    return _request(guest, session, "resources/list", {})


def read_resource(guest: Guest, session: McpSession, uri: str) -> FutureResult:
    return _request(guest, session, "resources/read", {"uri": uri})


def list_prompts(guest: Guest, session: McpSession) -> FutureResult:
    return _request(guest, session, "prompts/list", {})


def get_prompt(guest: Guest, session: McpSession, name: str, arguments: str) -> FutureResult:
    return _request(guest, session, "prompts/get", {"name": name}, arguments)


def subscribe(_: Guest, result: FutureResult) -> Pollable:
    return FuturePollable(result.future)


def get(_: Guest, result: FutureResult) -> Ok | Err | None:
    return result.future.result() if result.future.done() else None


def _request(guest: Guest, session: McpSession, method: str, params: Arguments, arguments: str | None = None) -> FutureResult:
    return FutureResult(asyncio.ensure_future(_answer(guest, session.server, method, params, arguments)), guest)


async def _answer(guest: Guest, server: str, method: str, params: Arguments, arguments: str | None) -> Ok | Err:
    """What the guest gets. Nothing that a relay or server does is the guest's death."""
    try:
        if guest.mcp_requests > MCP_REQUESTS_MAX:
            raise McpError(UNAVAILABLE, f"more than {MCP_REQUESTS_MAX} MCP requests at a time; drop some results first")
        if arguments is not None:
            params = params | {"arguments": _checked(arguments or "{}")}
        return Ok(await _relay_to(guest, server).request(server, method, msgspec.json.encode(params).decode()))
    except McpError as error:
        return Err(Failure(error.number if -(2**31) <= error.number < 2**31 else UNAVAILABLE, error.message))
    except Exception as error:
        log.exception("an MCP request of process %s failed inside the engine", guest.process.id)
        return Err(Failure(INTERNAL, f"internal error of the engine: {type(error).__name__}"))


def _relay_to(guest: Guest, server: str) -> McpRelay:
    """The relay, if it leads to the server now. Raises `McpError`."""
    if guest.relay is None:
        raise McpError(UNAVAILABLE, f"MCP server '{server}' cannot be reached: no client is attached to the process")
    if server not in guest.relay.servers():
        raise McpError(UNKNOWN_SERVER, f"MCP server '{server}' not registered")
    return guest.relay


def _checked(arguments: str) -> msgspec.Raw:
    """The same text, which is a JSON object. Raises `McpError`."""
    if len(arguments) > FRAME_BYTES_MAX:
        raise McpError(
            INVALID_ARGUMENTS, f"the arguments have {len(arguments)} characters; a message has at most {FRAME_BYTES_MAX}"
        )
    try:
        _objects.decode(arguments)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise McpError(INVALID_ARGUMENTS, f"the arguments are no JSON object: {error}") from None
    return msgspec.Raw(arguments)


INTERFACE = Interface(
    name="pie:inferlet/mcp@0.1.0",
    functions={
        "available-servers": available_servers,
        "connect": connect,
        "[method]session.list-tools": list_tools,
        "[method]session.call-tool": call_tool,
        "[method]session.list-resources": list_resources,
        "[method]session.read-resource": read_resource,
        "[method]session.list-prompts": list_prompts,
        "[method]session.get-prompt": get_prompt,
        "[method]future-result.subscribe": subscribe,
        "[method]future-result.get": get,
    },
    resources={"session": McpSession, "future-result": FutureResult, "pollable": Pollable},
)
