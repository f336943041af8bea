"""Requests through the whole platform: caller → gateway → ingress → three vertices, a process each, x + 1 in every one → response.

requests_per_s   answered, one connection per caller, each asks again when it has its answer
p50, p99         from a request's last byte sent to its answer's last byte received
errors           answers that are not 200, or not x + 3

over NAME        our requests per second over those of the same chain in another system, if that is installed (`benches.rivals`)

Callers, gateway and the three processes share the machine's cores. Known here at 1 / 32 callers: BentoML's three-service chain
216 / 338 (a third of the answers 500 at 32), Ray Serve 70 / 140, LitServe 112 / 222, Hayhooks in one process 858 / 811.
"""

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import uvloop

from benches.platform import Up, platform
from benches.plus_one import BACKEND, archives
from benches.report import Figure, report
from benches.rivals import Rival, installed, serving
from pie_deploy.domain.records import ComponentVersion, Deployment
from pie_deploy.services.views import AppliedDocument, EndpointView

CALLERS = (1, 32)
SECONDS = 5.0
WARM_UP_S = 1.0
TARGETS = {1: (">= 500", "<= 2"), 32: (">= 1500", None)}


@dataclass(slots=True)
class Tally:
    latencies_s: list[float] = field(default_factory=list)
    errors: int = 0
    elapsed_s: float = 0.0

    @property
    def per_s(self) -> float:
        return len(self.latencies_s) / self.elapsed_s

    def percentile_ms(self, percent: float) -> float:
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1e3


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a chain answers, and how it is asked."""

    url: str
    body: bytes = b"%d"
    answer: bytes = b"%d"


class Caller(asyncio.Protocol):
    """One connection of the least cost, so that what is measured is the platform."""

    _numbers = itertools.count()

    def __init__(self, head: bytes, chain: Chain, tally: Tally, ends_at: float) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = head
        self._chain = chain
        self._tally = tally
        self._ends_at = ends_at
        self._received = b""
        self._asked_at = 0.0
        self._number = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._note(head, body)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._tally.errors += 1
            self.done.set_result(None)

    def _ask(self) -> None:
        assert self._transport is not None
        self._number = next(self._numbers)
        body = self._chain.body % self._number
        self._asked_at = time.perf_counter()
        self._transport.write(b"%scontent-length: %d\r\n\r\n%s" % (self._head, len(body), body))

    def _note(self, head: bytes, body: bytes) -> None:
        assert self._transport is not None
        now = time.perf_counter()
        self._tally.latencies_s.append(now - self._asked_at)
        if head[9:12] != b"200" or body.strip() != self._chain.answer % (self._number + 3):
            self._tally.errors += 1
        self._received = b""
        if now < self._ends_at:
            self._ask()
        else:
            self.done.set_result(None)
            self._transport.close()


async def load(chain: Chain, callers: int, seconds: float) -> Tally:
    parts, tally = urlsplit(chain.url), Tally()
    head = f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n".encode()
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    connected = [
        await loop.create_connection(lambda: Caller(head, chain, tally, began + seconds), parts.hostname, parts.port)
        for _ in range(callers)
    ]
    for _, caller in connected:
        await caller.done
    tally.elapsed_s = time.perf_counter() - began
    return tally


def deployed(up: Up) -> str:
    """The URL of the chain, once it runs."""
    name = BACKEND["name"]
    for archive in archives():
        up.client.upload("/v1/components", ComponentVersion, archive)
    up.client.post(f"/v1/backends/{name}/apply", AppliedDocument, {"document": BACKEND})
    up.client.post(f"/v1/backends/{name}/deployment", Deployment, {})
    up.wait_until(name, "running")
    return next(one.url for one in up.client.items(f"/v1/backends/{name}/endpoints", EndpointView) if one.role == "in")


def figures(callers: int, tally: Tally) -> list[Figure]:
    per_s, p50 = TARGETS[callers]
    suffix = f"_{callers}"
    return [
        Figure(f"requests_per_s{suffix}", tally.per_s, "1/s", per_s),
        Figure(f"p50{suffix}", tally.percentile_ms(50), "ms", p50),
        Figure(f"p99{suffix}", tally.percentile_ms(99), "ms"),
        Figure(f"errors{suffix}", tally.errors, "", "<= 0"),
    ]


def measured(chain: Chain) -> dict[int, Tally]:
    """By number of callers."""
    uvloop.run(load(chain, max(CALLERS), WARM_UP_S))
    return {callers: uvloop.run(load(chain, callers, SECONDS)) for callers in CALLERS}


def beside(rival: Rival, ours: dict[int, Tally]) -> list[Figure]:
    with serving(rival) as url:
        theirs = measured(Chain(url, rival.body, rival.answer))
    found: list[Figure] = []
    for callers, tally in theirs.items():
        good = max(tally.per_s - tally.errors / tally.elapsed_s, 1e-9)
        found.append(Figure(f"over_{rival.name}_{callers}", ours[callers].per_s / good, "x"))
        found.append(Figure(f"{rival.name}_errors_{callers}", tally.errors / max(len(tally.latencies_s), 1), "of all answers"))
    return found


def main() -> None:
    rivals = installed()
    with platform() as up:
        ours = measured(Chain(deployed(up)))
    found = [figure for callers, tally in ours.items() for figure in figures(callers, tally)]
    for rival in rivals:
        found += beside(rival, ours)
    report("gateway", found)


if __name__ == "__main__":
    main()
