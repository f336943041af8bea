"""Keys, quotas, draining, bodies: what is the same for all routes."""

import json
from pathlib import Path

import pytest

import openai
from openai_fakes.serving import MODEL, Served, configuration, serving
from pie.auth import api_keys, users
from pie.config.config import LimitsConfig
from pie.config.home import Home
from pie.limits import OPENAI_BODY_BYTES_MAX

CHAT = "/v1/chat/completions"
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "Hi."}], "max_tokens": 8}


async def test_a_key_is_needed_and_tells_who_asks(tmp_path: Path) -> None:
    home, key = Home(tmp_path), api_keys.generate()
    users.change(home.users, lambda known: users.with_user(known, "ada"))
    api_keys.change(home.api_keys, lambda known: api_keys.with_key(known, "ada", "laptop", key, ""))
    async with serving(tmp_path, configuration(), with_keys=True) as served:
        for wrong in ("", "pie-made-up"):
            with pytest.raises(openai.AuthenticationError):
                await served.client(wrong or "-").models.list()
        assert (await served.post(CHAT, **ASK)).headers["www-authenticate"] == "Bearer"
        assert (await served.client(key).models.list()).data


async def test_schemas_nested_beyond_reason_are_refused(dummy: Served) -> None:
    nested = '{"properties": {"a": ' * 900 + "1" + "}}" * 900
    tool = f'{{"type": "function", "function": {{"name": "f", "parameters": {nested}}}}}'
    async with dummy.http() as http:
        reply = await http.post(CHAT, content=f'{json.dumps(ASK)[:-1]}, "tools": [{tool}]}}')
    assert reply.status_code == 400


async def test_models_are_listed_and_told_about(dummy: Served) -> None:
    (model,) = (await dummy.client().models.list()).data
    assert model.id == MODEL
    assert (await dummy.client().models.retrieve(MODEL)).id == MODEL
    with pytest.raises(openai.NotFoundError):
        await dummy.client().models.retrieve("gpt/9")


@pytest.mark.parametrize(
    ("path", "code"), [("/v1/embeddings", "unknown_url"), (CHAT, "method_not_allowed"), ("/v1/models/a%0Ab", "unknown_url")]
)
async def test_what_there_is_not_is_an_error_of_the_same_shape(dummy: Served, path: str, code: str) -> None:
    async with dummy.http() as http:
        reply = await http.get(path)
    assert (reply.status_code, reply.json()["error"]["code"]) == (405 if code == "method_not_allowed" else 404, code)


async def test_the_description_needs_no_key_and_names_every_route(dummy: Served) -> None:
    async with dummy.http() as http:
        paths = (await http.get("/openapi.json")).json()["paths"]
    assert set(paths) == {
        "/v1/models",
        "/v1/models/{id}",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/responses/{id}",
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "invalid_json"), (b"\xff", "invalid_json"), (b'{"user":' + b"[" * 100_000, "invalid_json"), (b"[]", "invalid_value")],
)
async def test_what_is_no_json_object_is_refused(dummy: Served, body: bytes, code: str) -> None:
    async with dummy.http() as http:
        reply = await http.post(CHAT, content=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)


async def test_a_body_that_is_too_long_is_not_read_to_its_end(dummy: Served) -> None:
    async with dummy.http() as http:
        reply = await http.post(CHAT, content=b" " * (OPENAI_BODY_BYTES_MAX + 1))
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "request_too_large")


async def test_a_draining_engine_takes_nothing_new(dummy: Served) -> None:
    dummy.engine.drain(True)
    reply = await dummy.post(CHAT, **ASK)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "draining")
    assert int(reply.headers["retry-after"]) >= 1
    dummy.engine.drain(False)
    assert (await dummy.post(CHAT, **ASK)).status_code == 200


async def test_a_user_whose_tokens_are_used_up_waits(tmp_path: Path) -> None:
    limits = LimitsConfig(tokens_per_minute=10)
    async with serving(tmp_path, configuration(limits=limits)) as served:
        assert (await served.post(CHAT, **ASK)).status_code == 200
        reply = await served.post(CHAT, **ASK)
    assert (reply.status_code, reply.json()["error"]["type"]) == (429, "rate_limit_error")
    assert int(reply.headers["retry-after"]) >= 1


async def test_requests_count_as_processes_of_their_user(tmp_path: Path) -> None:
    limits = LimitsConfig(processes_per_user=1)
    async with serving(tmp_path, configuration(limits=limits)) as served:
        served.engine.quotas.enter("local")
        assert (await served.post(CHAT, **ASK)).status_code == 429
        served.engine.quotas.leave("local")
        assert (await served.post(CHAT, **ASK)).status_code == 200
