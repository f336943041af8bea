"""The OpenAI routes behind a real server on a free port, and clients of it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from openai import AsyncOpenAI
from pie.auth.credentials import Credentials
from pie.config.config import Config, DriverConfig, DriverOptions, ModelConfig
from pie.config.home import Home
from pie.engine.engine import Engine, running
from pie.openai.routes import routes
from pie.openai.service import OpenAIService

MODEL = "pie-tiny"
QUESTION = "What is the capital of France?"


@dataclass(frozen=True, slots=True)
class Served:
    engine: Engine
    service: OpenAIService
    port: int
    clients: dict[str, AsyncOpenAI] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, api_key: str = "any") -> AsyncOpenAI:
        """The published client; closed with the server."""
        if api_key not in self.clients:
            self.clients[api_key] = AsyncOpenAI(base_url=f"{self.url}/v1", api_key=api_key, max_retries=0, timeout=200)
        return self.clients[api_key]

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=200)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        async with self.http() as http:
            return await http.post(path, json=body)

    @property
    def idle(self) -> bool:
        """Nothing is being answered, and nothing is held for an answer."""
        works = [model.scheduler.statistics() for model in self.engine.models.values()]
        return self.service.statistics().running == 0 and all(
            work.running + work.waiting + work.kv.lineages + work.kv.owned + work.kv.shared == 0 for work in works
        )

    async def until_idle(self) -> None:
        async with asyncio.timeout(120):
            while not self.idle:
                await asyncio.sleep(0.005)


def configuration(driver: str = "dummy", **rest: Any) -> Config:
    options = DriverOptions(kv_cache_mb=64)
    return Config(models=(ModelConfig(MODEL, MODEL, DriverConfig(type=driver, options=options)),), **rest)  # type: ignore[arg-type]


@asynccontextmanager
async def serving(folder: Path, config: Config, *, with_keys: bool = False) -> AsyncIterator[Served]:
    """The routes of an engine with this configuration; `folder` is its home. `with_keys`: clients need API keys."""
    home = Home(folder)
    async with running(config, home) as engine:
        service = OpenAIService(engine, Credentials(home, enabled=with_keys), config)
        async with _listening(service) as port:
            served = Served(engine, service, port)
            yield served
            for client in served.clients.values():
                await client.close()


@asynccontextmanager
async def _listening(service: OpenAIService) -> AsyncIterator[int]:
    app = Starlette(routes=routes(service))
    server = _Server(uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_level="error"))
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([bound]))
        async with asyncio.timeout(120):
            while not server.started:
                await asyncio.sleep(0.002)
        try:
            yield bound.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await task


class _Server(uvicorn.Server):
    """Leaves signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
