"""What is not about programs: who is it, limits, errors."""

from typing import Any

import httpx
import pytest

from bakery.limits import JSON_BYTES_MAX, REFUSED_TOKENS_BURST
from bakery.registry.application import Application, Options


@pytest.fixture
def database(tmp_path: Any) -> str:
    return f"sqlite:///{tmp_path / 'registry.db'}"


async def test_it_says_that_it_lives(bench: Any) -> None:
    assert (await bench.http.get("/healthz")).text == "ok\n"


async def test_a_database_that_is_gone_is_told_without_its_address(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bakery.errors import StoreError

    def gone() -> None:
        raise StoreError("connection to db.internal failed")

    monkeypatch.setattr(bench.registry.store, "check", gone)
    answer = await bench.http.get("/healthz")
    assert (answer.status_code, "internal" in answer.text) == (503, False)


async def test_a_token_says_who_one_is(bench: Any) -> None:
    answer = await bench.http.get("/api/v1/auth/me", headers=bench.as_("alice"))
    assert answer.json() == {"id": 1, "login": "alice", "name": "alice", "avatar_url": "", "is_superuser": False}
    answer = await bench.http.get("/api/v1/auth/me", headers=bench.as_("alice", admin=True))
    assert answer.json()["is_superuser"] is True


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer " + "x" * 1000])
async def test_without_a_valid_token_one_is_nobody(bench: Any, header: str) -> None:
    answer = await bench.http.get("/api/v1/auth/me", headers={"Authorization": header})
    assert (answer.status_code, list(answer.json())) == (401, ["detail"])


async def test_who_tries_tokens_is_slowed_down(bench: Any) -> None:
    for attempt in range(int(REFUSED_TOKENS_BURST) + 1):
        answer = await bench.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer guess{attempt}"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("path", ["github", "github?redirect_uri=http://x/", "github/callback?code=1"])
async def test_instead_of_github_there_is_a_text_that_says_how(bench: Any, path: str) -> None:
    answer = await bench.get(f"auth/{path}")
    assert answer.status_code == 200
    assert "bakery login --registry http://registry.test" in answer.text


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("GET", "/api/v1/runtimes/python3.14/0.4.0/download"), ("DELETE", "/healthz")]
)
async def test_what_there_is_no_route_for_is_told_as_json(bench: Any, method: str, path: str) -> None:
    answer = await bench.http.request(method, path)
    assert answer.status_code in {404, 405}
    assert list(answer.json()) == ["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"name": 1}', b"[" * 100_000, b'{"name":"\\ud800"}', b"{}"])
@pytest.mark.parametrize("step", ["new", "new/commit"])
async def test_a_body_that_makes_no_sense_is_refused(bench: Any, body: bytes, step: str) -> None:
    answer = await bench.http.post(f"/api/v1/inferlets/{step}", content=body, headers=bench.as_("alice"))
    assert (answer.status_code, list(answer.json())) == (422, ["detail"])


async def test_a_long_body_is_refused(bench: Any) -> None:
    answer = await bench.http.post("/api/v1/inferlets/new", content=b" " * (JSON_BYTES_MAX + 1), headers=bench.as_("alice"))
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


async def test_one_address_asks_only_so_often(database: str, tmp_path: Any) -> None:
    registry = Application(database, str(tmp_path), Options(requests_per_s=0.01, requests_burst=2))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(registry.asgi), base_url="http://x") as http:
        answers = [await http.get("/api/v1/inferlets") for _ in range(3)]
    registry.close()
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 1


async def test_behind_a_proxy_addresses_are_the_public_ones(database: str, tmp_path: Any) -> None:
    registry = Application(database, str(tmp_path), Options(public_url="https://registry.example.org/"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(registry.asgi), base_url="http://10.0.0.1") as http:
        answer = await http.get("/api/v1/auth/github")
    registry.close()
    assert "--registry https://registry.example.org\n" in answer.text
