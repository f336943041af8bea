import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message

from bakery.limits import REQUESTS_AT_ONCE_MAX
from bakery.registry.guard import Guard, address
from bakery.registry.throttle import Throttle


def scope(host: str) -> dict[str, Any]:
    return {"type": "http", "client": (host, 1), "method": "GET", "path": "/", "headers": []}


async def nothing() -> Message:
    return {"type": "http.disconnect"}


class Asked:
    """The status that a request gets."""

    def __init__(self) -> None:
        self.status = 0

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)


async def ask(app: Any, host: str) -> int:
    asked = Asked()
    await app(scope(host), nothing, asked.send)
    return asked.status


async def test_one_address_has_only_so_many_requests_under_way() -> None:
    enough = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["client"][0] == "slow":
            await enough.wait()
        await PlainTextResponse("ok")(scope, receive, send)

    guarded = Guard(app, Throttle(1e9, 1e9, 100))
    slow = [asyncio.create_task(ask(guarded, "slow")) for _ in range(REQUESTS_AT_ONCE_MAX)]
    await asyncio.sleep(0)
    assert await ask(guarded, "slow") == 429
    assert await ask(guarded, "other") == 200
    enough.set()
    assert set(await asyncio.gather(*slow)) == {200}
    assert await ask(guarded, "slow") == 200


def test_an_ipv6_network_is_one_address() -> None:
    assert address(scope("2001:db8:1:2:3:4:5:6")) == address(scope("2001:db8:1:2::1")) != address(scope("2001:db8:1:3::1"))
    assert address(scope("::ffff:127.0.0.1")) == "127.0.0.1"
    assert address(scope("127.0.0.1")) == "127.0.0.1"
    assert address(Request({"type": "http", "client": None}).scope) == ""
