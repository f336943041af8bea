"""Runs a live test, in terms of the REST API and the gateway's URLs:

lease → candidate published → fixtures uploaded → fork or graph → deploy → wait → steps → collect → close
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec

from pie_deploy.clock import Clock, SystemClock
from pie_deploy.domain.live_test import LiveTest, parse_live_test, streamed_roles
from pie_deploy.domain.records import Lease
from pie_deploy.errors import DeployError
from pie_deploy.limits import LEASE_RESULT_BYTES_MAX, LIVE_TEST_TTL
from pie_deploy.live_test import checking, collecting, deploying, preparing
from pie_deploy.live_test.api import Api, at
from pie_deploy.live_test.checking import Pack
from pie_deploy.live_test.events import Event, EventLog
from pie_deploy.live_test.site import Packed, Site, read
from pie_deploy.live_test.steps import take
from pie_deploy.live_test.stream import Stream, messages, server_sent
from pie_deploy.services.views import LeaseView

Verdict = Literal["passed", "failed", "error"]

HEARTBEATS_PER_TTL = 4
"""So that a few may be late before the lease is over."""
CLOSE_WAIT_S = 60.0
"""For the deployment to go; the platform goes on closing the lease after that."""
CLOSE_LOOK_S = 0.2


async def run_live_test(
    api: Api,
    manifest_path: Path,
    *,
    pack: Pack,
    runtime: str | None = None,
    keep_lease: bool = False,
    output: Path | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[Event]:
    """The test's events as they happen; the last is `result`, with `verdict`: passed, failed (the deployment or a step was not as
    it should be) or error (the test could not be run, `error` says why). Whatever happens, also when the generator is closed or
    cancelled, the lease is rolled back, unless it is to be kept.

    Everything that can be known before is checked before the lease is opened, and told at once as an error.

    pack: a component's folder as an archive. output: the folder for what is collected; None: only events tell of it.
    Raises ManifestError and InvalidArgumentError, before anything was done, for a manifest that cannot be used.
    """
    test = await asyncio.to_thread(lambda: parse_live_test(read(manifest_path), manifest_path.name))
    run = _Run(api, test, manifest_path.parent, pack, runtime, keep_lease, output, EventLog(clock or SystemClock()))
    async with contextlib.aclosing(run.events()) as events:
        async for event in events:
            yield event


@dataclass(slots=True)
class _Run:
    api: Api
    test: LiveTest
    folder: Path
    pack: Pack
    runtime: str | None
    keep_lease: bool
    output: Path | None
    log: EventLog
    verdict: Verdict = "error"
    records: list[dict[str, Any]] = field(default_factory=list)
    """One per step: its number, kind, verdict, duration, and what was wrong."""
    error: dict[str, Any] | None = None
    is_rolled_back: bool = False
    """The platform does the rest."""

    async def events(self) -> AsyncGenerator[Event]:
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                packed = await asyncio.to_thread(self._check)
                lease = await self._open_lease()
            except DeployError as error:
                self._note(error)
                yield self.log.event("result", **self._result(None))
                return
            site = Site(self.api, self.test, self.folder, http, lease, packed)
            beating = asyncio.create_task(self._keep_alive(lease), name="heartbeat of the test's lease")
            try:
                yield self.log.event("lease.created", lease=lease.id)
                async for event in self._guarded(site):
                    yield event
                await _stop(beating)
                yield await self._closed(site)
                yield self.log.event("result", **self._result(lease.id))
            finally:
                await _stop(beating)
                await _close_streams(site)
                if not self.is_rolled_back and not self.keep_lease:
                    with contextlib.suppress(DeployError):  # then it expires by itself
                        await asyncio.to_thread(self.api.post, at("leases", lease.id, "rollback"), Lease)

    async def _guarded(self, site: Site) -> AsyncIterator[Event]:
        """Everything inside the lease; an error of the platform is an event and a verdict."""
        try:
            async for event in self._inside(site):
                yield event
        except DeployError as error:
            self.verdict = "error"
            self._note(error)
        kind = "test.ready" if self.verdict == "passed" else "test.failed"
        yield self.log.event(kind, verdict=self.verdict, **({"error": self.error} if self.error else {}))

    async def _inside(self, site: Site) -> AsyncIterator[Event]:
        async for event in preparing.prepare(site, self.log):
            yield event
        async for event in deploying.deploy(site, self.runtime, self.log):
            yield event
        if site.deployment is None or site.deployment.status != "running":
            self.verdict = "failed"
            self._note(deploying.failure(site))
            return
        await self._listen(site)
        self.verdict = "passed"
        async for event in self._steps(site):
            yield event
        async for event in collecting.collect(site, self.output, self.log):
            yield event

    async def _steps(self, site: Site) -> AsyncIterator[Event]:
        for number, step in enumerate(self.test.steps):
            if step.kind == "expect_file" and not site.is_over:
                await deploying.end(site)
            began_s = time.monotonic()
            failures = await take(site, step)
            record = {"step": number, "kind": step.kind, "passed": not failures, "took_s": round(time.monotonic() - began_s, 3)}
            if failures:
                self.verdict = "failed"
                record["failures"] = failures
            self.records.append(record)
            yield self.log.event("step.failed" if failures else "step.passed", **record)

    async def _listen(self, site: Site) -> None:
        for role in streamed_roles(self.test):
            endpoint = site.endpoint(role)
            if "ws" in endpoint.transports and "sse" not in endpoint.transports:
                values = messages("ws" + endpoint.url.removeprefix("http"))
            else:
                values = server_sent(site.http, endpoint.url)
            site.streams[role] = Stream(role)
            await site.streams[role].open(values)

    def _check(self) -> Mapping[str, Packed]:
        if self.output is not None:
            collecting.make_folder(self.output)
        return checking.check(self.api, self.test, self.folder, self.pack, self.runtime)

    # --- The lease ---------------------------------------------------------------------------------------------------

    async def _open_lease(self) -> Lease:
        body = {"ttl": LIVE_TEST_TTL, "label": f"live test {self.test.name}", "runtime": self.runtime}
        return await asyncio.to_thread(self.api.post, at("leases"), Lease, body)

    async def _keep_alive(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(lease.ttl_ns / 1e9 / HEARTBEATS_PER_TTL)
            with contextlib.suppress(DeployError):  # a closed lease shows elsewhere, one that is late is tried again
                await asyncio.to_thread(self.api.post, at("leases", lease.id, "heartbeat"), Lease)

    async def _closed(self, site: Site) -> Event:
        """Attach the verdict and roll the lease back."""
        await _close_streams(site)
        path = at("leases", site.lease.id)
        try:
            await asyncio.to_thread(self.api.post, f"{path}/result", Lease, _bounded(self._result(site.lease.id)))
        except DeployError as error:
            self._note(error)
        if self.keep_lease:
            return self.log.event("lease.closed", lease=site.lease.id, state="open", kept=True)
        try:
            lease = await asyncio.to_thread(self.api.post, f"{path}/rollback", Lease)
            self.is_rolled_back = True
            until_s = time.monotonic() + CLOSE_WAIT_S
            while lease.state == "rolling_back" and time.monotonic() < until_s:
                await asyncio.sleep(CLOSE_LOOK_S)
                lease = await asyncio.to_thread(self._lease, site.lease.id)
        except DeployError as error:
            self._note(error)
            return self.log.event("lease.closed", lease=site.lease.id, state="unknown", error=self.error)
        return self.log.event("lease.closed", lease=lease.id, state=lease.state)

    def _lease(self, lease_id: str) -> Lease:
        return self.api.get(at("leases", lease_id), LeaseView).lease

    def _note(self, error: DeployError) -> None:
        if self.error is None:
            self.error = msgspec.to_builtins(error.refusal)

    def _result(self, lease_id: str | None) -> dict[str, Any]:
        result: dict[str, Any] = {"test": self.test.name, "verdict": self.verdict, "lease": lease_id, "steps": self.records}
        return result | ({"error": self.error} if self.error else {})


def _bounded(result: dict[str, Any]) -> dict[str, Any]:
    """A result that a lease takes: without the steps if they say too much."""
    if len(msgspec.json.encode(result)) <= LEASE_RESULT_BYTES_MAX:
        return result
    return {name: value for name, value in result.items() if name != "steps"}


async def _close_streams(site: Site) -> None:
    for stream in site.streams.values():
        await stream.close()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))
