"""The API over real services in a folder, asked without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from service_platform import ServicePlatform, service_platform

from pie_deploy.api import create_app
from pie_deploy.app.credentials import Credentials
from pie_deploy.config import Config, UserConfig
from pie_deploy.domain.api_key import digest_of
from pie_deploy.domain.role import Role
from pie_deploy.errors import NotFoundError
from pie_deploy.ports.launcher import LogLine
from pie_flow.control import Pulse

USERS = {
    "alice": Role.OWNER,
    "bob": Role.OWNER,
    "edith": Role.EDITOR,
    "oscar": Role.OPERATOR,
    "vera": Role.VIEWER,
    "agnes": Role.AGENT,
}
"""The key of each is `NAME-key`."""

CONFIG = Config(users={name: UserConfig(role=role, keys=(digest_of(f"{name}-key"),)) for name, role in USERS.items()})


@dataclass
class FakeController:
    """Has logs and pulses for the API."""

    lines: dict[str, list[LogLine]] = field(default_factory=dict)
    pulses: dict[str, Pulse] = field(default_factory=dict)

    def pulse(self, container_id: str) -> Pulse | None:
        return self.pulses.get(container_id)

    async def logs(
        self, container_id: str, *, follow: bool = False, since_ns: int = 0, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        if container_id not in self.lines:
            raise NotFoundError(f"there is no container {container_id}")
        found = [line for line in self.lines[container_id] if line.at_ns >= since_ns]
        for line in found[-tail:] if tail else found:
            yield line

    def statistics(self) -> dict[str, int]:
        return {"steps": 7}


@dataclass
class FakeGateway:
    """Goes by what is recorded, at once, or by what the test says."""

    platform: ServicePlatform
    said: dict[str, str | None] = field(default_factory=dict)

    def deployment_status(self, backend_id: str) -> str | None:
        with self.platform.store.reading() as reading:
            row = reading.deployment_of(backend_id)
        return self.said.get(backend_id, None if row is None else row.status)

    def statistics(self) -> dict[str, object]:
        return {"requests_total": 3, "answers": {"2xx": 2, "4xx": 1}}


@dataclass
class ApiServing:
    platform: ServicePlatform
    controller: FakeController
    gateway: FakeGateway
    app: Any
    client: httpx.AsyncClient
    """Asks as alice."""

    async def get(self, path: str, **options: Any) -> Any:
        answer = await self.client.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def api_serving(folder: Path, config: Config = CONFIG, **settings: Any) -> AsyncIterator[ApiServing]:
    platform, controller = service_platform(folder), FakeController()
    gateway = FakeGateway(platform)
    app = create_app(platform.services, controller, gateway, Credentials(config, "local-key", platform.services.keys), **settings)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    headers = {"authorization": "Bearer alice-key"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
            yield ApiServing(platform, controller, gateway, app, client)
    finally:
        platform.close()


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, which has the shape of all errors."""
    error = answer.json()["error"]
    assert {"code", "message", "details"} == set(error) - {"hint"} and error["message"]
    return answer.status_code, error["code"]


def bearing(key: str) -> dict[str, str]:
    """The header of who shows this key."""
    return {"authorization": f"Bearer {key}"}


def asking(name: str) -> dict[str, str]:
    """The header of one of USERS."""
    return bearing(f"{name}-key")
