"""Roles and API keys (OQ50), through the API as it is served: who does what, and what stays closed."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from platform_world import ALICE, SECOND_NS, WORKER, World, component_archive

from pie_deploy.api import create_app
from pie_deploy.app.credentials import Credentials, own_name
from pie_deploy.config.file import parse

CONFIG = f"""
users:
  alice: {{keys: [{hashlib.sha256(b"alice").hexdigest()}]}}
  edith: {{role: editor, keys: [{hashlib.sha256(b"edith").hexdigest()}]}}
  oscar: {{role: operator, keys: [{hashlib.sha256(b"oscar").hexdigest()}]}}
  vera: {{role: viewer, keys: [{hashlib.sha256(b"vera").hexdigest()}]}}
"""
"""Everybody's key is his name. Of alice's role nothing is said, as in configurations from before there were roles."""

DESCRIBE = {"operations": [{"op": "describe", "description": "changed"}]}


class Routes:
    """Of a gateway, what the API asks."""

    def __init__(self, world: World) -> None:
        self._world = world

    def deployment_status(self, backend_id: str) -> str | None:
        with self._world.store.reading() as reading:
            row = reading.deployment_of(backend_id)
        return None if row is None else row.status

    def statistics(self) -> dict[str, int]:
        return {}


@dataclass
class Api:
    world: World
    http: httpx.AsyncClient

    async def ask(self, key: str, method: str, path: str, body: object = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"}
        if body is not None:
            more["json"] = body
        return await self.http.request(method, f"/v1/{path}", headers=headers, **more)

    async def done(self, key: str, method: str, path: str, body: object = None, **more: Any) -> Any:
        answer = await self.ask(key, method, path, body, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def refused(self, key: str, method: str, path: str, body: object = None, *, status: int = 403, **more: Any) -> str:
        answer = await self.ask(key, method, path, body, **more)
        assert answer.status_code == status, answer.text
        hint: str = answer.json()["error"].get("hint", "")
        return hint

    async def deployed(self, key: str, backend: str, **body: str) -> str:
        deployment: dict[str, str] = await self.done(key, "POST", f"backends/{backend}/deployment", body)
        await self.world.settle()
        return deployment["id"]

    async def key(self, maker: str, role: str, **more: str) -> str:
        secret: str = (await self.done(maker, "POST", "keys", {"role": role, **more}))["secret"]
        return secret


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    """With a backend `words` of alice's released components."""
    world.services.components.promote(ALICE, world.component())
    world.backend()
    known = Credentials(parse(CONFIG), "local-key", world.services.keys)
    app = create_app(world.services, world.controller, Routes(world), known)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield Api(world, http)


async def test_OQ50_a_configuration_without_roles_means_what_it_meant(api: Api) -> None:
    status = await api.done("alice", "GET", "status")
    assert (status["actor"], status["role"]) == ("alice", "owner")
    await api.done("alice", "POST", "backends/words/operations", DESCRIBE)
    await api.done("alice", "POST", "backends/words/deployment")
    await api.done("alice", "POST", "runtimes/local/lock")


async def test_OQ50_the_local_user_is_an_owner(api: Api) -> None:
    status = await api.done("local-key", "GET", "status")
    assert (status["actor"], status["role"], status["key"]) == (own_name(), "owner", "local")


async def test_OQ50_an_operator_deploys_and_undeploys(api: Api) -> None:
    deployment = await api.deployed("oscar", "words")
    assert (await api.done("oscar", "GET", f"deployments/{deployment}"))["status"] == "running"
    assert await api.done("oscar", "GET", "backends/words/endpoints")
    await api.done("oscar", "POST", f"deployments/{deployment}/redeploy")
    await api.world.settle()
    await api.done("oscar", "DELETE", f"deployments/{deployment}")
    await api.world.settle()
    assert api.world.show(deployment).gone_at_ns is not None


async def test_OQ50_an_operator_changes_no_graph_by_any_way(api: Api) -> None:
    lease = (await api.done("oscar", "POST", "leases", {}))["id"]
    document = await api.done("oscar", "GET", "backends/words/export")
    before = await api.done("oscar", "GET", "backends/words")
    ways = [
        ("POST", "backends/words/operations", DESCRIBE),
        ("POST", "backends/words/undo", {}),
        ("POST", "backends/words/compact", None),
        ("POST", "backends/words/apply", {"document": document}),
        ("POST", "backends/words/apply", {"document": document, "dry_run": True}),
        ("POST", "backends/other/apply", {"document": document, "lease": lease}),
        ("POST", "backends/words/fork", {"name": "copy", "lease": lease}),
        ("POST", "backends", {"name": "new", "lease": lease}),
        ("POST", f"leases/{lease}/promote", {"resources": ["words"]}),
        ("POST", f"leases/{lease}/commit", None),
        ("POST", "components/worker/promote", None),
        ("DELETE", "backends/words", None),
    ]
    for method, path, body in ways:
        assert await api.refused("oscar", method, path, body) == "the role editor would be enough", path
    assert await api.done("oscar", "GET", "backends/words") == before
    assert len((await api.done("oscar", "GET", "backends"))["items"]) == 1
    await api.done("oscar", "POST", f"leases/{lease}/rollback")


async def test_OQ50_a_viewer_sees_what_is_recorded_and_nothing_that_is_carried(api: Api) -> None:
    deployment = await api.deployed("alice", "words")
    await api.done("alice", "POST", "files?name=secrets.txt", content=b"s")
    (container, *_) = (await api.done("vera", "GET", f"deployments/{deployment}/containers"))["items"]
    for path in (
        "backends/words",
        "backends/words/export",
        "files/secrets.txt",
        "components/worker",
        "audit",
        "runtimes",
        "leases",
    ):
        await api.done("vera", "GET", path)
    assert "running" in (await api.ask("vera", "GET", f"deployments/{deployment}/wait?timeout=1s")).text
    for path in (f"containers/{container['id']}/logs", "backends/words/endpoints"):
        assert await api.refused("vera", "GET", path) == "the role operator would be enough"
    for path in ("files/secrets.txt/content", "components/worker/archive"):
        assert await api.refused("vera", "GET", path) == "the role editor would be enough"
    assert await api.refused("vera", "DELETE", f"deployments/{deployment}") == "the role operator would be enough"


async def test_OQ50_an_editor_edits_and_deploys_and_gives_no_machines_away(api: Api) -> None:
    await api.done("edith", "POST", "backends/words/operations", DESCRIBE)
    await api.deployed("edith", "words")
    runtime = {"name": "more", "launcher": "fake", "nodes": [{"cpu": 1.0, "memory_bytes": 1 << 30}]}
    assert await api.refused("edith", "POST", "runtimes", runtime) == "the role owner would be enough"


async def test_OQ50_an_agent_proves_a_candidate_in_a_lease_and_leaves_nothing(api: Api) -> None:
    agent = await api.key("alice", "agent", name="prover")
    lease = (await api.done(agent, "POST", "leases", {"ttl": "10m"}))["id"]
    candidate = component_archive(WORKER.format(name="worker"))
    version = await api.done(agent, "POST", f"components?lease={lease}", content=candidate)
    await api.done(agent, "POST", f"files?name=poem&type=text&lease={lease}", content=b"a rose")
    fork = (await api.done(agent, "POST", "backends/words/fork", {"name": "trial", "lease": lease}))["id"]
    swap = {"op": "change-version", "vertex": "b", "component": version["id"]}
    bind = {"op": "add-file", "vertex": "b", "slot": "words", "file": "poem"}
    await api.done(agent, "POST", f"backends/{fork}/operations", {"operations": [swap, bind]})
    deployment = await api.deployed(agent, fork, lease=lease)
    assert (await api.done(agent, "GET", f"deployments/{deployment}"))["status"] == "running"
    assert (await api.done(agent, "GET", f"backends/{fork}/endpoints"))["items"][0]["url"]
    assert (await api.ask(agent, "GET", "files/poem/content")).content == b"a rose"
    await api.done(agent, "POST", f"leases/{lease}/heartbeat")
    for keep in ("commit", "promote"):
        assert (
            await api.refused(agent, "POST", f"leases/{lease}/{keep}", {"resources": [fork]}) == "the role editor would be enough"
        )
    await api.done(agent, "POST", f"leases/{lease}/rollback")
    await api.world.settle()
    api.world.services.leases.settle()
    assert [row["name"] for row in (await api.done("alice", "GET", "backends"))["items"]] == ["words"]
    assert (await api.done("alice", "GET", "files"))["items"] == []


async def test_OQ50_an_agent_has_nothing_to_do_with_the_leases_of_others(api: Api) -> None:
    """Not with those of its user, either, nor with those of another agent of his."""
    agent, other = await api.key("edith", "agent"), await api.key("edith", "agent")
    for key in ("edith", "alice", other):
        lease = (await api.done(key, "POST", "leases", {}))["id"]
        name = f"in-{lease}"
        await api.done(key, "POST", "backends", {"name": name, "lease": lease})
        closed = [
            ("GET", f"leases/{lease}", None),
            ("POST", f"leases/{lease}/heartbeat", None),
            ("POST", f"leases/{lease}/rollback", None),
            ("POST", f"leases/{lease}/result", {}),
            ("POST", "backends", {"name": "mine", "lease": lease}),
            ("GET", f"backends/{name}", None),
            ("POST", f"backends/{name}/operations", DESCRIBE),
            ("POST", f"backends/{name}/deployment", {}),
            ("GET", f"audit?lease={lease}", None),
        ]
        for method, path, body in closed:
            await api.refused(agent, method, path, body, status=403 if path.startswith("audit") else 404)
    assert (await api.done(agent, "GET", "leases"))["items"] == []


async def test_OQ50_what_an_agent_made_its_user_keeps_or_not(api: Api) -> None:
    agent = await api.key("edith", "agent")
    lease = (await api.done(agent, "POST", "leases", {}))["id"]
    await api.done(agent, "POST", "backends/words/fork", {"name": "good", "lease": lease})
    await api.refused("alice", "POST", f"leases/{lease}/commit")  # another user's, though an owner
    assert (await api.done("edith", "POST", f"leases/{lease}/commit"))["state"] == "committed"
    assert {row["name"] for row in (await api.done("vera", "GET", "backends"))["items"]} == {"words", "good"}
    await api.refused(agent, "POST", "backends/good/operations", DESCRIBE)


async def test_OQ50_keys_are_kept_hashed_scoped_and_expire(api: Api) -> None:
    key = await api.key("alice", "operator", name="ci", expires="30d")
    with api.world.store.reading() as reading:
        (row,) = reading.api_keys()
    assert row.digest == hashlib.sha256(key.encode()).hexdigest()
    assert key not in str(row)
    await api.deployed(key, "words")
    await api.refused(key, "POST", "backends/words/operations", DESCRIBE)
    api.world.clock.advance(30 * 86_400 * SECOND_NS)
    await api.refused(key, "GET", "backends", status=401)


async def test_OQ50_the_audit_says_with_which_key_it_was_done(api: Api) -> None:
    key = await api.key("alice", "operator", name="ci")
    await api.deployed(key, "words")
    events = (await api.done("vera", "GET", "audit"))["items"]
    (created,) = [event for event in events if event["type"] == "key.created"]
    (deployed,) = [event for event in events if event["type"] == "deployment.deploying"]
    assert deployed["data"]["key"] == created["data"]["id"]
    assert (deployed["actor"], created["data"]["name"]) == ("alice", "ci")
    assert key not in str(events)
