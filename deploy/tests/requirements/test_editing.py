"""What may change while a deployment is live (R05, R07)."""

from pathlib import Path

import pytest
from platform_world import ALICE, World

from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    Connect,
    DeleteVertex,
    Disconnect,
    Input,
    Operation,
    Output,
)
from pie_deploy.errors import GraphLockedError

WORKER = """
name: {name}
language: py
worker:
  input_types: [String]
  output_types: [String]
  config_schema:
    fixed: {{type: String, default: '"x"'}}
    free: {{type: String, default: '"x"', mutable: true}}
  file_schema:
    weights: {{type: text, required: false}}
    words: {{type: text, required: false, mutable: true}}
http:
  ask: {{direction: ingress, transports: [http], type: String, into: 0}}
"""


@pytest.fixture
async def backend(world: World) -> str:
    """`a → b`, an ingress at `a`."""
    created = world.services.backends.create(ALICE, "locked").id
    world.component("strict", WORKER)
    one = world.component("strict")
    world.edit(
        created,
        AddVertex(vertex="a", component=one),
        AddVertex(vertex="b", component=one),
        Connect(output=Output("a"), input=Input("b")),
        ChangeEndpointAlias(vertex="a", endpoint="ask", role="ask"),
    )
    return created


def file(world: World, tmp_path: Path) -> str:
    content = tmp_path / "words.txt"
    content.write_text("rose")
    return world.services.files.upload(ALICE, "words", "text", content).id


def changes(world: World, file_id: str) -> dict[str, list[Operation]]:
    newer = world.component("newer", WORKER.replace("{{name}}", "newer"))
    return {
        "add a vertex": [AddVertex(vertex="c", component=newer), Connect(output=Output("b"), input=Input("c"))],
        "change a version": [ChangeVersion(vertex="b", component=newer)],
        "bind a file": [AddFile(vertex="b", slot="weights", file=file_id)],
        "change a parameter": [ChangeParameter(vertex="b", name="fixed", value='"y"')],
        "change an alias": [ChangeEndpointAlias(vertex="a", endpoint="ask", role="question")],
        "disconnect": [Disconnect(output=Output("a"), input=Input("b"))],
        "connect": [Connect(output=Output("a"), input=Input("b"))],
        "delete a vertex": [DeleteVertex(vertex="b")],
    }


CHANGES = (
    "add a vertex",
    "change a version",
    "bind a file",
    "change a parameter",
    "change an alias",
    "disconnect",
    "connect",
    "delete a vertex",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_R07_a_topology_change_is_rejected_while_live_and_accepted_after(
    world: World, backend: str, tmp_path: Path, change: str
) -> None:
    operations = changes(world, file(world, tmp_path))[change]
    await world.deployed(backend)
    head = world.services.backends.show(ALICE, backend).backend.head
    with pytest.raises(GraphLockedError):
        world.edit(backend, *operations)
    assert world.services.backends.show(ALICE, backend).backend.head == head
    world.services.deployments.undeploy(ALICE, backend)
    await world.settle()
    if change == "connect":
        world.edit(backend, Disconnect(output=Output("a"), input=Input("b")))
    world.edit(backend, *operations)


async def test_R05_a_mutable_parameter_reaches_the_running_container(world: World, backend: str) -> None:
    deployment = await world.deployed(backend)
    before = world.containers(deployment.id)["b"]
    world.edit(backend, ChangeParameter(vertex="b", name="free", value='"y"'))
    await world.settle()
    after = world.containers(deployment.id)["b"]
    assert (after.id, after.pid, after.started_at_ns, after.restarts) == (before.id, before.pid, before.started_at_ns, 0)
    assert world.launcher.config_seq(after.id) == world.services.backends.show(ALICE, backend).backend.head


async def test_R05_a_mutable_file_reaches_the_running_container(world: World, backend: str, tmp_path: Path) -> None:
    deployment = await world.deployed(backend)
    before = world.containers(deployment.id)["b"]
    world.edit(backend, AddFile(vertex="b", slot="words", file=file(world, tmp_path)))
    await world.settle()
    after = world.containers(deployment.id)["b"]
    assert (after.id, after.pid, after.started_at_ns) == (before.id, before.pid, before.started_at_ns)
    assert after.config_seq_applied == after.config_seq_wanted == world.launcher.config_seq(after.id)
