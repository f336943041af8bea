"""Every route, asked by an agent for what lies in another lease: as if it were not there. A new route has to pass here."""

from collections.abc import Iterator
from typing import Any

import pytest
from api_serving import ApiServing, asking
from service_platform import BOB, component_archive, shout_operations

from pie_deploy.api.app import openapi
from pie_deploy.domain.records import Lease
from pie_deploy.domain.role import Permission, Reach, Role, reach
from pie_deploy.services.actor import Actor

DOCUMENT = openapi()
AGNES = Actor("agnes", "api", role=Role.AGENT, key="users.agnes.keys[0]")
OPERATION = {"op": "describe", "description": "changed"}
BODIES: dict[str, Any] = {
    "backends_create": {"name": "new", "lease": "{lease}"},
    "backends_append": {"operations": [OPERATION]},
    "backends_undo": {},
    "backends_fork": {"name": "fork", "lease": "{own}"},
    "backends_apply": {"document": {"name": "hidden"}},
    "files_link": {"lease": "{own}"},
    "leases_create": {},
    "leases_promote": {"resources": []},
    "leases_result": {},
    "runtimes_create": {"name": "r", "nodes": [{"cpu": 1.0, "memory_bytes": 1 << 30}]},
    "keys_create": {"role": "agent"},
}
"""Of the operations that need one. A new one is added here."""
CONCERNS_NOBODY_S_LEASE = {"leases_create", "runtimes", "types", "status"}
"""Operations and nouns that name nothing which a lease could own."""


@pytest.fixture
def hidden(api: ApiServing) -> dict[str, str]:
    """What is called how, by noun: all in a lease of bob's, deployed."""
    services = api.platform.services
    api.platform.runtime()
    api.platform.released()
    lease = services.leases.create(BOB).id
    backend = services.backends.create(BOB, "hidden", lease)
    services.backends.append(BOB, backend.id, shout_operations())
    deployment = services.deployments.deploy(BOB, backend.id)
    (container,) = services.containers.list(BOB, deployment.id)
    file = services.files.upload(BOB, "hidden.txt", "text", [b"x"], lease)
    version = services.components.publish(BOB, component_archive("hidden-one"), lease)
    return {
        "backends": backend.id,
        "deployments": deployment.id,
        "containers": container.id,
        "files": file.id,
        "components": version.id,
        "leases": lease,
    }


@pytest.fixture
def own(api: ApiServing) -> Lease:
    return api.platform.services.leases.create(AGNES)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path, what is said of it."""
    for path, item in DOCUMENT["paths"].items():
        yield from ((method.upper(), path, said) for method, said in item.items() if "x-permission" in said)


def filled(body: Any, hidden: dict[str, str], own: Lease) -> Any:
    if not isinstance(body, dict):
        return body
    words = {"{lease}": hidden["leases"], "{own}": own.id}
    return {name: words.get(value, value) if isinstance(value, str) else value for name, value in body.items()}


def snapshot(api: ApiServing) -> list[Any]:
    """Everything that is not the agent's."""
    with api.platform.store.reading() as reading:
        rows = [*reading.backends(), *reading.deployments(gone=True), *reading.containers(), *reading.files(), *reading.versions()]
        return [*rows, *reading.runtimes(), *(lease for lease in reading.leases(closed=True) if lease.owner != "agnes")]


async def test_what_another_lease_owns_is_not_there_by_any_route(api: ApiServing, hidden: dict[str, str], own: Lease) -> None:
    before = snapshot(api)
    for method, path, said in operations():
        noun, name = said["tags"][0], said["operationId"]
        if not CONCERNS_NOBODY_S_LEASE.isdisjoint({noun, name}) or "{" not in path or noun == "keys":
            continue
        url = path.replace("{ref}", hidden[noun]).replace("{container_id}", hidden[noun]).replace("{lease_id}", hidden[noun])
        query = {"other": hidden["backends"]} if name == "backends_diff" else {}
        body = filled(BODIES.get(name), hidden, own)
        answer = await api.client.request(method, url, headers=asking("agnes"), params=query, json=body)
        allowed = reach(Role.AGENT, Permission(said["x-permission"])) is not Reach.NOWHERE
        assert answer.status_code == (404 if allowed else 403), (name, answer.text)
    assert snapshot(api) == before


async def test_no_list_has_it(api: ApiServing, hidden: dict[str, str], own: Lease) -> None:
    for method, path, said in operations():
        if method == "GET" and "{" not in path:
            answer = await api.client.get(path, headers=asking("agnes"))
            assert answer.status_code in (200, 403), said["operationId"]
            assert not any(id_ in answer.text for id_ in hidden.values()), said["operationId"]
            assert "hidden" not in answer.text, said["operationId"]
    told = (await api.client.get(f"/v1/audit?lease={own.id}", headers=asking("agnes"))).text
    assert own.id in told and hidden["leases"] not in told


async def test_nothing_is_made_in_it_nor_in_the_workspace(api: ApiServing, hidden: dict[str, str], own: Lease) -> None:
    before = snapshot(api)
    for method, path, said in operations():
        name = said["operationId"]
        if method == "POST" and "{" not in path and not {name, said["tags"][0]} & (CONCERNS_NOBODY_S_LEASE | {"keys"}):
            for lease in (hidden["leases"], None):
                query = {"name": "new"} | ({} if lease is None else {"lease": lease})
                body = {key: value for key, value in {**BODIES.get(name, {}), "lease": lease}.items() if value is not None}
                content: dict[str, Any] = {"json": body} if name in BODIES else {"content": component_archive("new")}
                answer = await api.client.post(path, headers=asking("agnes"), params=query, **content)
                assert answer.status_code == (403 if lease is None else 404), (name, lease, answer.text)
    assert snapshot(api) == before


def test_every_operation_that_needs_a_body_is_asked_with_one() -> None:
    needed = {said["operationId"] for _, _, said in operations() if "application/json" in _required(said)}
    assert needed == set(BODIES)


def _required(said: dict[str, Any]) -> dict[str, Any]:
    body = said.get("requestBody", {})
    content: dict[str, Any] = body.get("content", {}) if body.get("required") else {}
    return content
