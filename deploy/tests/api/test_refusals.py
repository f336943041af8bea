"""Errors: one shape, one table."""

import pytest
from api_serving import ApiServing, code
from service_platform import ALICE

from pie_deploy import errors
from pie_deploy.api.refusals import STATUSES
from pie_deploy.limits import API_BODY_BYTES_MAX


def tree(kind: type[errors.DeployError]) -> set[str]:
    return {kind.code}.union(*(tree(child) for child in kind.__subclasses__()))


def test_every_error_of_the_platform_has_a_status() -> None:
    assert tree(errors.DeployError) <= STATUSES.keys()


async def test_what_is_not_there_is_404(api: ApiServing) -> None:
    for path in ("/v1/backends/nope", "/v1/files/nope", "/v1/containers/c-nope", "/v1/nothing", "/"):
        assert code(await api.client.get(path)) == (404, "not_found")


async def test_another_method_is_405(api: ApiServing) -> None:
    answer = await api.client.put("/v1/backends")
    assert code(answer) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "about"),
    [(b"{", ""), (b"[]", ""), (b"{}", "name"), (b'{"name": 1}', "name"), (b'{"name": "a", "nam": 1}', "nam"), (b"\xff", "")],
    ids=["cut", "list", "missing", "type", "unknown", "bytes"],
)
async def test_a_body_that_is_not_of_the_type_is_400_and_says_where(api: ApiServing, body: bytes, about: str) -> None:
    answer = await api.client.post("/v1/backends", content=body)
    assert code(answer) == (400, "invalid_argument")
    assert about in answer.text


async def test_a_query_that_is_not_of_the_type_is_named(api: ApiServing) -> None:
    answer = await api.client.get("/v1/backends/words/operations?limit=0")
    assert answer.json()["error"]["message"].startswith("limit: ")


async def test_what_a_rule_of_form_refuses_is_422(api: ApiServing) -> None:
    assert code(await api.client.post("/v1/backends", json={"name": "No Name"})) == (422, "invalid_argument")


async def test_every_reason_stands_in_the_details(api: ApiServing) -> None:
    api.platform.services.backends.create(ALICE, "empty")
    api.platform.runtime()
    answer = await api.client.post("/v1/backends/empty/deployment", json={"startup_timeout": "soon"})
    assert len(answer.json()["error"]["details"]) >= 2


async def test_a_bug_tells_the_caller_nothing_about_our_insides(api: ApiServing, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret /path")

    monkeypatch.setattr(type(api.platform.services.types), "list", fail)
    answer = await api.client.get("/v1/types")
    assert code(answer) == (500, "internal") and "secret" not in answer.text


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=99999999999999999999", "limit=0"])
async def test_queries_out_of_range_are_400(api: ApiServing, query: str) -> None:
    assert code(await api.client.get(f"/v1/audit?{query}")) == (400, "invalid_argument")


async def test_a_body_that_is_too_large_is_413(api: ApiServing) -> None:
    answer = await api.client.post("/v1/backends", content=b"x" * (API_BODY_BYTES_MAX + 1))
    assert code(answer) == (413, "body_too_large")
