"""Hostile input to every route: an answer below 500 with a detail, whatever comes."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from bakery.registry.application import Application, Options
from bakery.registry.rules import COMPONENT_MAGIC
from bakery.registry.tables import metadata

texts = st.text(max_size=40) | st.sampled_from(
    ["toast", "1.0.0", "yank", "download", "ab" * 32, "..", "alice/toast", "\0", "new", "a" * 300, "'; --", "\x1b[2J"]
)
numbers = st.integers(-(2**70), 2**70) | st.integers(0, 100) | st.floats()
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
right = {
    "name": st.just("toast"),
    "version": st.just("1.0.0"),
    "checksum": st.just("ab" * 32),
    "size_bytes": st.just(100),
    "description": texts,
    "manifest": st.none() | texts,
    "readme": st.none() | texts,
    "authors": st.none() | st.lists(texts, max_size=3),
    "parameters": st.none() | st.dictionaries(texts, st.fixed_dictionaries({"type": st.just("int")}), max_size=3),
    "dependencies": st.none() | st.dictionaries(texts, texts, max_size=3),
    "runtime": st.none() | st.dictionaries(texts, texts, max_size=3),
}
bodies = st.fixed_dictionaries({field: strategy | values for field, strategy in right.items()})
FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Target:
    """A registry, a token, and one request at a time."""

    def __init__(self, database: str, folder: Path) -> None:
        options = Options(requests_per_s=1e9, requests_burst=1e9)
        self.registry = Application(database, str(folder / "artifacts"), options)
        self.registry.artifacts.begin("x").abandon()
        self._headers = {"Authorization": f"Bearer {self.registry.accounts.issue('alice', 0.0)}"}
        self._loop = asyncio.Runner()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(self.registry.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=self._headers) as http:
                return await http.request(method, f"/api/v1/{path}", **options)

        return self._loop.run(request())

    def close(self) -> None:
        self._loop.close()
        self.registry.close()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("registry")
    database = f"sqlite:///{folder / 'registry.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    target = Target(database, folder)
    yield target
    target.close()
    emptied = create_engine(database)
    metadata.drop_all(emptied)
    emptied.dispose()


def check(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if not answer.is_success:
        assert isinstance(answer.json()["detail"], str)


@given(bodies | values, st.sampled_from(["new", "new/commit"]))
@FUZZ
def test_bodies(target: Target, body: Any, step: str) -> None:
    check(target.ask("POST", f"inferlets/{step}", content=json.dumps(body).encode()))


@given(st.binary(max_size=200), st.sampled_from(["new", "new/commit"]))
@FUZZ
def test_raw_bodies(target: Target, body: bytes, step: str) -> None:
    check(target.ask("POST", f"inferlets/{step}", content=body))


@given(st.lists(texts, min_size=1, max_size=4), st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "POST"]))
@FUZZ
def test_paths(target: Target, parts: list[str], method: str) -> None:
    answer = target.ask(method, "inferlets/" + "/".join(quote(part, safe="") for part in parts))
    if method != "HEAD":
        check(answer)


@given(st.dictionaries(st.sampled_from(["q", "page", "per_page"]), texts | st.integers().map(str)))
@FUZZ
def test_searches(target: Target, query: dict[str, str]) -> None:
    check(target.ask("GET", "inferlets", params=query))


@given(
    texts, st.fixed_dictionaries({"expires": texts | st.integers(0, 10**12).map(str), "signature": texts}), st.binary(max_size=50)
)
@FUZZ
def test_upload_addresses(target: Target, upload: str, query: dict[str, str], body: bytes) -> None:
    answer = target.ask("PUT", f"uploads/{quote(upload, safe='')}", params=query, content=COMPONENT_MAGIC + body)
    assert answer.status_code in {403, 404, 405, 422}
    assert list(target.registry.artifacts.staged()) == []


@given(st.binary(max_size=100).filter(lambda header: not {0, 10, 13} & set(header)))
@FUZZ
def test_authorization_headers(target: Target, header: bytes) -> None:
    answer = target.ask("GET", "auth/me", headers={"Authorization": b"Bearer " + header})
    assert answer.status_code in {401, 429}
