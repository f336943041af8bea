"""What containers are told, from the recorded graph."""

import random
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from platform_world import ALICE, World, component_archive

from pie_deploy.controller.addresses import control_address, edge_address, endpoint_address
from pie_deploy.controller.free_ports import free_ports
from pie_deploy.domain.operations import AddFile, AddVertex, ChangeEndpointAlias, ChangeParameter, Connect, Input, Output
from pie_deploy.domain.role import Role
from pie_deploy.errors import LauncherError
from pie_deploy.limits import PORT_FIRST, PORT_LAST
from pie_flow.container import CommandProgram, ContainerSpec, InferletProgram, TransformationProgram

ENGINE = """
name: engine
language: command
worker:
  argv: [pie, serve, --port, "{port:api}", --model, "{parameter:model}", --cache, "{cache}", --words, "{file:words}"]
  environment: {HOME: "{work}"}
  config_schema: {model: {type: String, default: '"tiny \\"one\\""'}}
  file_schema: {words: {type: text}}
http:
  api: {direction: ingress, transports: [http, ws]}
"""
READER = """
name: reader
language: command
worker: {argv: [cat], file_schema: {words: {type: text, mutable: true}}}
"""
AGENT = """
name: agent
language: inferlet
worker:
  inferlet: {program: chat@1}
  input_types: [String]
  output_types: [String]
  config_schema: {engine: {type: String}}
http:
  ask: {direction: ingress, type: String, into: 0, respond: tell}
  tell: {direction: egress, type: String, of: 0}
"""


async def _specs(world: World) -> dict[str, ContainerSpec]:
    """An agent whose engine is a vertex of the same graph, and a transformation behind it."""
    services = world.services
    engine, agent = (services.components.publish(ALICE, component_archive(text)).id for text in (ENGINE, AGENT))
    words = services.files.upload(ALICE, "words", "text", [b"the\n"]).id
    backend = services.backends.create(ALICE, "talk").id
    world.edit(
        backend,
        AddVertex(vertex="engine", component=engine),
        AddFile(vertex="engine", slot="words", file=words),
        AddVertex(vertex="agent", component=agent, parameters={"engine": '"vertex://engine/api"'}),
        AddVertex(vertex="listed", transformation="to_list"),
        Connect(output=Output("agent"), input=Input("listed")),
        ChangeEndpointAlias(vertex="agent", endpoint="ask", role="ask"),
    )
    deployment = await world.deployed(backend)
    assert deployment.status == "running", deployment.status_message
    return {vertex: world.launcher.spec(row.id) for vertex, row in world.containers(deployment.id).items()}


async def test_a_reference_to_a_vertex_becomes_the_url_of_its_port() -> None:
    async with World() as world:
        specs = await _specs(world)
        port = specs["engine"].ports["api"]
        assert specs["agent"].program == InferletProgram(program="chat@1", engine=f"ws://127.0.0.1:{port}")
        assert specs["agent"].parameters["engine"].value == f'"http://127.0.0.1:{port}"'


async def test_a_file_that_may_change_lies_where_the_container_sees_no_files_of_others() -> None:
    async with World() as world:
        services = world.services
        reader = services.components.publish(ALICE, component_archive(READER)).id
        first, second = (services.files.upload(ALICE, "words", "text", [text]).id for text in (b"the", b"a"))
        backend = services.backends.create(ALICE, "reads").id
        world.edit(backend, AddVertex(vertex="r", component=reader), AddFile(vertex="r", slot="words", file=first))
        deployment = await world.deployed(backend)
        container = world.containers(deployment.id)["r"].id
        folder = world.home.containers / container / "files"
        assert Path(world.launcher.spec(container).files["words"]).parent == folder
        world.edit(backend, AddFile(vertex="r", slot="words", file=second))
        await world.settle()
        assert sorted(path.read_bytes() for path in folder.iterdir()) == [b"a", b"the"]


async def test_components_of_one_name_and_two_owners_have_two_caches() -> None:
    """Else whoever publishes a prerelease of that name could poison the other's."""
    manifest = "{name: reader, language: command, worker: {argv: [cat]}}"
    folders = []
    async with World() as world:
        for name, actor in (("one", ALICE), ("two", ALICE), ("three", replace(ALICE, name="mallory"))):
            reader = world.services.components.publish(actor, component_archive(manifest))
            backend = world.services.backends.create(actor, name).id
            world.services.backends.append(actor, backend, (AddVertex(vertex="r", component=reader.id),))
            deployment = world.services.deployments.deploy(actor, backend)
            await world.settle()
            folders.append(world.launcher.spec(world.containers(deployment.id)["r"].id).cache_folder)
    assert folders[0] == folders[1] != folders[2]


async def test_what_an_agent_publishes_shares_no_cache_with_its_user_s_components() -> None:
    """Nothing of an agent stays: it could poison what runs later."""
    manifest = "{name: reader, language: command, worker: {argv: [cat]}}"
    folders = set()
    async with World() as world:
        for key in ("", "k-1", "k-2"):
            actor = replace(ALICE, role=Role.AGENT, key=key) if key else ALICE
            lease = world.services.leases.create(actor).id
            reader = world.services.components.publish(actor, component_archive(manifest), lease)
            backend = world.services.backends.create(actor, f"of-{lease}", lease).id
            world.services.backends.append(actor, backend, (AddVertex(vertex="r", component=reader.id),))
            deployment = world.services.deployments.deploy(actor, backend)
            await world.settle()
            folders.add(world.launcher.spec(world.containers(deployment.id)["r"].id).cache_folder)
    assert len(folders) == 3


def test_no_two_sockets_of_a_container_share_a_folder() -> None:
    """A producer sees the folder of the edge's socket: not the one where the consumer listens for the gateway, or for others."""
    run = Path("/run")
    addresses = [edge_address(run, "c-a", 0), edge_address(run, "c-a", 1), endpoint_address(run, "c-a")]
    folders = [Path(address.removeprefix("ipc://")).parent for address in addresses]
    assert not any(one != other and one.is_relative_to(other) for one in folders for other in folders)
    assert len(set(folders)) == 3


async def test_the_words_of_a_command_are_replaced() -> None:
    async with World() as world:
        specs = await _specs(world)
        program = specs["engine"].program
        assert isinstance(program, CommandProgram)
        port, cache, words = specs["engine"].ports["api"], specs["engine"].cache_folder, specs["engine"].files["words"]
        told = ("pie", "serve", "--port", str(port), "--model", 'tiny "one"', "--cache", cache, "--words", words)
        assert program.argv == told
        assert program.environment == {"HOME": specs["engine"].work_folder}
        assert words.startswith(str(world.home.blobs))


async def test_types_are_those_of_the_whole_graph() -> None:
    async with World() as world:
        specs = await _specs(world)
        assert specs["listed"].program == TransformationProgram(name="to_list")
        assert (specs["listed"].inputs[0].type, specs["listed"].outputs[0].type) == ("String", "[String]")


async def test_a_debug_deployment_tells_its_containers() -> None:
    async with World() as world:
        deployment = await world.deployed(world.backend(), debug=True)
        assert all(world.launcher.spec(row.id).debug for row in world.containers(deployment.id).values())


def test_every_address_fits_a_socket_or_is_refused() -> None:
    run = Path("/tmp/pie-0/0123456789")
    for address in (control_address(run), edge_address(run, "c-aaaaaaaaaaaa", 999), endpoint_address(run, "c-aaaaaaaaaaaa")):
        assert len(address.removeprefix("ipc://").encode()) <= 107
    with pytest.raises(LauncherError, match="TMPDIR"):
        edge_address(Path("/tmp") / ("x" * 100), "c-aaaaaaaaaaaa", 0)


def test_ports_that_are_taken_are_not_given() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        promised = set(free_ports(2, set(), random.Random(1)))
        found = free_ports(3, promised, random.Random(1))
    assert len(set(found)) == 3
    assert not promised & set(found)
    assert all(PORT_FIRST <= port <= PORT_LAST for port in found)


def test_too_few_ports_are_refused() -> None:
    with pytest.raises(LauncherError):
        free_ports(1, range(PORT_FIRST, PORT_LAST + 1), random.Random(1))


async def test_a_value_that_was_changed_is_what_a_new_container_is_told() -> None:
    async with World() as world:
        backend = world.backend()
        world.edit(backend, ChangeParameter(vertex="a", name="greeting", value='"bye"'))
        deployment = await world.deployed(backend)
        spec = world.launcher.spec(world.containers(deployment.id)["a"].id)
        assert spec.parameters["greeting"].value == '"bye"'
