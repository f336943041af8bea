from dataclasses import dataclass

from componentize_py_types import Err, Ok
from scripted_engine import PASS_NS, Resource, Timed, engine

from wit_world.imports._calls import enter
from wit_world.imports.poll import Pollable


@dataclass
class Failure:
    number: int
    message: str


class FutureResult(Resource):
    """Ready after as long as a pass takes."""

    def __init__(self, server: str, *request: str) -> None:
        super().__init__()
        enter(request[0])
        engine().asked.append((server, *request))
        self.at = engine().now_ns + PASS_NS
        self.answer = engine().servers[server]

    def subscribe(self) -> Pollable:
        enter("future-result.subscribe")
        return Pollable(Timed(lambda: self.at))

    def get(self) -> Ok | Err | None:
        if enter("future-result.get").now_ns < self.at:
            return None
        return Err(Failure(-32601, "no such method")) if self.answer is None else Ok(self.answer)


class Session(Resource):
    def __init__(self, server: str) -> None:
        super().__init__()
        self.server = server

    def list_tools(self) -> FutureResult:
        return FutureResult(self.server, "tools/list")

    def call_tool(self, name: str, arguments: str) -> FutureResult:
        return FutureResult(self.server, "tools/call", name, arguments)

    def list_resources(self) -> FutureResult:
        return FutureResult(self.server, "resources/list")

    def read_resource(self, uri: str) -> FutureResult:
        return FutureResult(self.server, "resources/read", uri)

    def list_prompts(self) -> FutureResult:
        return FutureResult(self.server, "prompts/list")

    def get_prompt(self, name: str, arguments: str) -> FutureResult:
        return FutureResult(self.server, "prompts/get", name, arguments)


def available_servers() -> list[str]:
    return list(enter("available-servers").servers)


def connect(server: str) -> Session:
    if server not in enter("connect").servers:
        raise Err(Failure(-1, f"MCP server '{server}' not registered"))
    return Session(server)
