"""A registry for each test: on SQLite, and where it matters on a real PostgreSQL too."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from bakery.registry.application import Application, Options
from bakery.registry.rules import COMPONENT_MAGIC
from bakery.registry.tables import metadata

TOAST = COMPONENT_MAGIC + b"a slice of toast"


@dataclass
class Time:
    """Goes on when told to."""

    now_s: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Bench:
    """A registry, its clock, and clients of it."""

    registry: Application
    time: Time
    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, login: str, *, admin: bool = False) -> str:
        key = f"{login}{'!' if admin else ''}"
        if key not in self.tokens:
            self.tokens[key] = self.registry.accounts.issue(login, self.time(), administrator=admin)
        return self.tokens[key]

    def as_(self, login: str, *, admin: bool = False) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(login, admin=admin)}"}

    async def announce(self, login: str, fields: dict[str, Any]) -> httpx.Response:
        return await self.http.post("/api/v1/inferlets/new", json=fields, headers=self.as_(login))

    async def commit(self, login: str, fields: dict[str, Any], **more: Any) -> httpx.Response:
        return await self.http.post("/api/v1/inferlets/new/commit", json={**fields, **more}, headers=self.as_(login))

    async def upload(self, login: str, fields: dict[str, Any], wasm: bytes = TOAST) -> httpx.Response:
        announced = await self.announce(login, fields)
        assert announced.status_code == 200, announced.text
        return await self.http.put(announced.json()["upload_url"], content=wasm)

    async def publish(
        self, login: str = "alice", name: str = "toast", version: str = "1.0.0", wasm: bytes = TOAST, **more: Any
    ) -> None:
        fields = fields_of(name, version, wasm)
        assert (await self.upload(login, fields, wasm)).status_code == 200
        committed = await self.commit(login, fields, **more)
        assert committed.status_code == 200, committed.text

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"/api/v1/{path}")


def fields_of(name: str = "toast", version: str = "1.0.0", wasm: bytes = TOAST, **more: Any) -> dict[str, Any]:
    """Of step 1."""
    checksum = hashlib.sha256(wasm).hexdigest()
    return {"name": name, "version": version, "checksum": checksum, "size_bytes": len(wasm), "description": "Toasts.", **more}


@pytest.fixture
def fields() -> Callable[..., dict[str, Any]]:
    return fields_of


@pytest.fixture
def toast() -> bytes:
    return TOAST


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database's URL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.db'}"
        return
    url: str = request.getfixturevalue("postgresql")
    yield url
    engine = create_engine(url)
    metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A server of its own, on a socket in a folder of its own, as user postgres."""
    programs = shutil.which("initdb") or next(iter(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")))), None)
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install -y postgresql")
    binaries = Path(programs).parent
    folder = Path(tempfile.mkdtemp(prefix="bakery-pg-", dir="/tmp"))
    as_root = os.geteuid() == 0
    if as_root:
        shutil.chown(folder, "postgres", "postgres")

    def run(name: str, *arguments: str) -> None:
        user = {"user": "postgres", "group": "postgres"} if as_root else {}
        command = [str(binaries / name), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120, **user)  # type: ignore[call-overload]

    try:
        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(
            "pg_ctl", "-w", "-t", "60", "-l", str(folder / "log"), "-o", f"-c listen_addresses='' -c fsync=off -k {folder}", "start"
        )
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def registry(database: str, tmp_path: Path, time: Time) -> Iterator[Application]:
    options = Options(artifact_bytes_max=4096, requests_per_s=1e9, requests_burst=1e9)
    application = Application(database, str(tmp_path / "artifacts"), options, now=time)
    yield application
    application.close()


@pytest.fixture
async def bench(registry: Application, time: Time) -> AsyncIterator[Bench]:
    transport = httpx.ASGITransport(registry.asgi, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test") as http:
        yield Bench(registry, time, http)
