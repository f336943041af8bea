"""The composition root: a database, a place for artifacts and a clock become an ASGI application."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware

from bakery.errors import StoreError
from bakery.limits import ADDRESSES_MAX, ARTIFACT_BYTES_MAX, REQUESTS_BURST, REQUESTS_PER_S, SWEEP_EVERY_S, SWEEP_ORPHANS_EVERY_S
from bakery.registry.accounts import Accounts
from bakery.registry.api import Api
from bakery.registry.artifacts import Artifacts
from bakery.registry.database import open_database
from bakery.registry.guard import Guard
from bakery.registry.publishing import Publishing
from bakery.registry.refusals import handlers
from bakery.registry.store import Store
from bakery.registry.sweep import sweep_orphans, sweep_uploads
from bakery.registry.throttle import Throttle

_log = logging.getLogger("bakery.registry")


@dataclass(frozen=True, slots=True)
class Options:
    """public_url: how clients reach the server, if not as their requests say (behind a proxy).
    requests_per_s, requests_burst: per address."""

    public_url: str = ""
    artifact_bytes_max: int = ARTIFACT_BYTES_MAX
    requests_per_s: float = REQUESTS_PER_S
    requests_burst: float = REQUESTS_BURST


class Application:
    """A registry without its web server."""

    def __init__(
        self, database: str, artifacts: str, options: Options | None = None, *, now: Callable[[], float] = time.time
    ) -> None:
        """Makes tables that are missing. Raises `StoreError`."""
        options = options or Options()
        self._database = open_database(database)
        self._now = now
        self.store = Store(self._database)
        self.store.create()
        self.accounts = Accounts(self._database)
        self.artifacts = Artifacts(artifacts)
        publishing = Publishing(self.store, self.artifacts, bytes_max=options.artifact_bytes_max)
        api = Api(self.store, self.accounts, self.artifacts, publishing, now=now, public_url=options.public_url)
        throttle = Throttle(options.requests_per_s, options.requests_burst, ADDRESSES_MAX)
        self.asgi = Starlette(
            routes=api.routes(),
            middleware=[Middleware(Guard, throttle=throttle)],
            exception_handlers=handlers(),
            lifespan=self._lifespan,
        )
        self.asgi.router.redirect_slashes = False

    def close(self) -> None:
        self._database.close()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        try:
            async with asyncio.TaskGroup() as tasks:
                sweeping = [
                    tasks.create_task(_every(SWEEP_EVERY_S, lambda: sweep_uploads(self.store, self.artifacts, self._now()))),
                    tasks.create_task(_every(SWEEP_ORPHANS_EVERY_S, lambda: sweep_orphans(self.store, self.artifacts))),
                ]
                yield
                for task in sweeping:
                    task.cancel()
        finally:
            self.close()


async def _every(period_s: float, tidy: Callable[[], object]) -> None:
    """What fails now may work the next time."""
    while True:
        try:
            await asyncio.to_thread(tidy)
        except StoreError as error:
            _log.warning("could not tidy up: %s", error)
        await asyncio.sleep(period_s)
