"""The platform in one process: everything is made here and passed in.

listener ── api ── services ── store        what people ask for is decided and recorded
                      │ wakeup
                 controller ── launchers    what is recorded is made so
                      │ routes
listener ────── gateway ── containers       what callers send goes to whatever runs now
"""

import asyncio
import os
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from pie_deploy.api import create_app
from pie_deploy.app import runtimes
from pie_deploy.app.credentials import Credentials, local_credential
from pie_deploy.app.listener import LOOPBACK, Listener
from pie_deploy.clock import Clock, SystemClock
from pie_deploy.config import Config, Home
from pie_deploy.config.address import Address, HomeLock, remove_address, write_address
from pie_deploy.controller import Controller
from pie_deploy.domain.duration import parse_duration
from pie_deploy.gateway import Gateway
from pie_deploy.ports.launcher import Launcher
from pie_deploy.ports.store import Store
from pie_deploy.services import Services, Wakeup, assemble, mac_key
from pie_deploy.store import open_store
from pie_http.origin import is_trusted

API_GRACE_S = 1
"""For questions under way when the platform is told to stop: most are answered in milliseconds, the others are streams."""


class Platform:
    """Control plane and gateway of one home, as an asynchronous context manager; its parts are there once it has started.

    launchers: others than the configuration asks for, by the name that runtimes have for them; for tests.
    """

    services: Services
    controller: Controller
    gateway: Gateway
    api_url: str
    """Where programs and the command line ask, `http://127.0.0.1:8470`."""
    gateway_url: str
    """Where endpoints answer; a proxy in front may have another one (`gateway.public_url`)."""
    credential: str
    """The API key of the local user."""

    def __init__(
        self,
        home: Home,
        config: Config | None = None,
        *,
        clock: Clock | None = None,
        launchers: Mapping[str, Launcher] | None = None,
    ) -> None:
        self.home = home
        self.config = config or Config()
        self._clock = clock or SystemClock()
        self._launchers = launchers
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._keep_containers = False

    @property
    def database(self) -> str:
        """What keeps the records, for people: without a password."""
        if not self.config.database:
            return f"SQLite, {self.home.database}"
        url = urlsplit(self.config.database)
        return f"{url.scheme}, {url.hostname}{url.path}" if url.hostname else f"{url.scheme}, {url.path}"

    async def start(self) -> None:
        """Returns when everything answers; what containers there are have been taken over by then.

        Raises AlreadyExistsError when the home has a control plane, StorageError, LauncherError; nothing is left behind then.
        """
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()

    async def stop(self, *, keep_containers: bool = False) -> None:
        """End everything, in the opposite order. Raises what a part has failed with meanwhile.

        keep_containers: leave them to the next control plane.
        """
        self._keep_containers = keep_containers
        await self._stack.aclose()

    async def failure(self) -> None:
        """Does not return; raises what a part of the platform ends with that ought to go on."""
        ended, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
        raise AssertionError(f"{', '.join(task.get_name() for task in ended)} ended by itself")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def _start(self, stack: AsyncExitStack) -> None:
        self.home.create()
        stack.enter_context(HomeLock(self.home))
        remove_address(self.home)  # of one that was killed
        store = await asyncio.to_thread(open_store, self.config.database or f"sqlite:///{self.home.database}")
        stack.callback(store.close)
        front = Listener("gateway", self.config.gateway.port)
        stack.push_async_callback(front.stop)
        api = Listener("API", self.config.api.port, API_GRACE_S)
        stack.push_async_callback(api.stop)
        self.api_url, self.gateway_url = api.url, front.url
        await self._wire(stack, store)
        await self._serve(stack, front, self.gateway.app)
        await self._serve(stack, api, self._api())
        write_address(self.home, self._address())
        stack.callback(remove_address, self.home)

    async def _wire(self, stack: AsyncExitStack, store: Store) -> None:
        key = mac_key.load(self.home)
        wakeup = Wakeup()
        self.credential = local_credential(self.home)
        self.services = assemble(
            store,
            self.home,
            self._clock,
            mac_key=key,
            gateway_url=self._published_url,
            wakeup=wakeup,
            keep_events_ns=parse_duration(self.config.keep.events),
        )
        await asyncio.to_thread(self.services.sweep)
        await asyncio.to_thread(runtimes.record, self.config, self.services.runtimes, store)
        self.gateway = Gateway()
        self._run(stack, self.gateway.run(), "gateway")
        self.controller = Controller(
            store,
            self._launchers or runtimes.launchers(self.config, self.home, self._clock),
            self.gateway,
            self.home,
            wakeup,
            self._clock,
            self.services.components.folder,
            self.services.blobs,
            mac_key=key,
            settle_leases=self.services.leases.settle,
            prune_records=self.services.pruning.turn,
        )
        stack.push_async_callback(self._close_controller)
        await self.controller.open()
        self._run(stack, self.controller.run(), "controller")

    def _api(self) -> Any:
        known = Credentials(self.config, self.credential, self.services.keys)
        return create_app(self.services, self.controller, self.gateway, known, is_welcome=partial(is_trusted, server_host=LOOPBACK))

    async def _serve(self, stack: AsyncExitStack, listener: Listener, app: Any) -> None:
        self._tasks.append(await listener.start(app, self.config.limits.connections))
        stack.push_async_callback(listener.stop)  # at the end nobody is let in any more, then containers are stopped

    def _run(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        stack.push_async_callback(_cancelled, task)

    async def _close_controller(self) -> None:
        await self.controller.close(stop_all=not self._keep_containers)

    def _published_url(self) -> str:
        return self.config.gateway.public_url.rstrip("/") or self.gateway_url

    def _address(self) -> Address:
        now_ns = self._clock.now_ns()
        return Address(api_url=self.api_url, gateway_url=self.gateway_url, pid=os.getpid(), started_at_ns=now_ns)


async def _cancelled(task: asyncio.Task[None]) -> None:
    """Ends a task. Raises what it has failed with."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.result()
