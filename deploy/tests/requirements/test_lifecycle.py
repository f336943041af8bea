"""A deployment's states, its ends and its modes (R10 to R14, R16 to R20, R22, R23)."""

import asyncio
import itertools

import httpx
import pytest
from platform_fakes import config_for_tests, short_home
from platform_world import ALICE, SECOND_NS, World, component_archive

from pie_deploy.app import Platform
from pie_deploy.domain.deployment import TRANSITIONS
from pie_deploy.domain.operations import AddVertex
from pie_deploy.errors import RuntimeClassError, RuntimeFullError
from pie_deploy.launchers.fake import Behaviour
from pie_deploy.services.views import NodeRequest

HOUR_NS = 3600 * SECOND_NS
SOURCE = """
name: {name}
language: py
worker: {{output_types: [String], resources: {{cpu: 0.5}}}}
"""
GPU_WORKER = """
name: {name}
language: py
worker: {{output_types: [String], resources: {{cpu: 0.5, labels: [gpu]}}}}
"""


async def test_R10_the_states_are_four_and_follow_the_table(world: World) -> None:
    backend = world.backend()
    deployment = await world.deployed(backend)
    world.services.deployments.redeploy(ALICE, backend)
    await world.settle()
    world.launcher.script = lambda _spec, _incarnation: Behaviour(refuses="no")
    world.services.deployments.redeploy(ALICE, backend)
    await world.settle()
    world.services.deployments.undeploy(ALICE, backend)
    await world.settle()
    *states, last = world.statuses(deployment.id)
    assert set(TRANSITIONS) == {"deploying", "running", "failed", "tearing_down"}
    assert last == "gone"
    assert all(to in TRANSITIONS[one] for one, to in itertools.pairwise(states)), states  # type: ignore[index]


async def test_R11_failed_stays_failed_and_its_urls_stay_closed(world: World) -> None:
    world.launcher.script = lambda spec, _: Behaviour(refuses="no") if spec.vertex == "b" else Behaviour()
    backend = world.backend()
    deployment = await world.deployed(backend)
    world.launcher.script = lambda _spec, _incarnation: Behaviour()
    await world.advance(HOUR_NS, stride_ns=600 * SECOND_NS)
    assert world.show(deployment.id).status == "failed"
    assert world.routes.only(backend).state == "not_running"
    world.services.deployments.redeploy(ALICE, backend)
    await world.settle()
    assert world.show(deployment.id).status == "running"


async def test_R12_wait_ends_with_running_and_not_before() -> None:
    """Over the API: the rows as they change, the last one is the outcome."""
    with short_home() as home:
        async with Platform(home, config_for_tests()) as platform:
            services = platform.services
            backend = await asyncio.to_thread(services.backends.create, ALICE, "alone")
            version = await asyncio.to_thread(services.components.publish, ALICE, component_archive(SOURCE.format(name="source")))
            vertex = AddVertex(vertex="one", component=version.id)
            await asyncio.to_thread(services.backends.append, ALICE, backend.id, [vertex])
            await asyncio.to_thread(services.deployments.deploy, ALICE, backend.id)
            headers = {"authorization": f"Bearer {platform.credential}"}
            async with httpx.AsyncClient(base_url=platform.api_url, headers=headers, timeout=60) as http:
                answer = await http.get("/v1/deployments/alone/wait", params={"status": "running", "timeout": "30s"})
            *rows, last = answer.text.splitlines()
            assert '"status":"running"' in last
            assert not any('"status":"running"' in row for row in rows)


async def test_R13_a_full_runtime_refuses_before_anything_starts() -> None:
    async with World(nodes=(NodeRequest(cpu=1, memory_bytes=1 << 30),)) as world:
        backend = world.backend(vertices=("a", "b", "c"))
        with pytest.raises(RuntimeFullError) as refused:
            world.services.deployments.deploy(ALICE, backend)
        await world.settle()
        assert refused.value.details
        assert world.services.deployments.list(ALICE, gone=True) == []
        assert world.launcher.known() == []
        assert all(node.cpu_used == 0 for node in world.services.runtimes.load(ALICE, "local"))


async def test_R13_a_runtime_of_the_wrong_class_refuses(world: World) -> None:
    backend = world.services.backends.create(ALICE, "gpu").id
    world.edit(backend, AddVertex(vertex="train", component=world.component("trainer", GPU_WORKER)))
    with pytest.raises(RuntimeClassError) as refused:
        world.services.deployments.deploy(ALICE, backend, runtime="local")
    assert any("gpu" in detail.message and detail.subject == "train" for detail in refused.value.details)
    assert world.services.deployments.list(ALICE, gone=True) == []


async def test_R14_redeploy_brings_fresh_containers_behind_the_same_urls(world: World) -> None:
    backend = world.backend()
    deployment = await world.deployed(backend)
    urls = [endpoint.url for endpoint in world.services.backends.endpoints(ALICE, backend)]
    before = {row.id for row in world.containers(deployment.id).values()}
    world.services.deployments.redeploy(ALICE, backend)
    await world.settle()
    shown = world.show(deployment.id)
    assert (shown.id, shown.status, shown.generation) == (deployment.id, "running", 2)
    assert before.isdisjoint(row.id for row in world.containers(deployment.id).values())
    assert [endpoint.url for endpoint in world.services.backends.endpoints(ALICE, backend)] == urls


async def test_R16_a_deployment_moves_to_another_runtime_without_a_change_of_the_graph(world: World) -> None:
    other = world.services.runtimes.create(ALICE, "other", launcher="fake", nodes=(NodeRequest(cpu=8, memory_bytes=8 << 30),))
    backend = world.backend()
    deployment = await world.deployed(backend, runtime="local")
    head = world.services.backends.show(ALICE, backend).backend.head
    world.services.deployments.redeploy(ALICE, backend, runtime="other")
    await world.settle()
    moved = world.show(deployment.id)
    assert (moved.status, moved.runtime_id) == ("running", other.id)
    assert {row.node_id for row in world.containers(deployment.id).values()} == {other.nodes[0].id}
    assert world.services.backends.show(ALICE, backend).backend.head == head


async def test_R17_debug_is_shown_and_told_to_the_containers(world: World) -> None:
    deployment = await world.deployed(world.backend(), debug=True)
    assert deployment.debug
    assert all(world.launcher.spec(row.id).debug for row in world.containers(deployment.id).values())


async def test_R18_a_running_deployment_is_extended_up_to_the_ceiling_and_no_further() -> None:
    async with World() as world:
        world.services.runtimes.create(
            ALICE, "short", launcher="fake", nodes=(NodeRequest(cpu=8, memory_bytes=8 << 30),), ceiling="36h"
        )
        deployment = await world.deployed(world.backend(), runtime="short")
        end = deployment.created_at_ns + 36 * HOUR_NS
        assert deployment.hard_deadline_ns == end
        await world.advance(25 * HOUR_NS, stride_ns=HOUR_NS)
        assert world.show(deployment.id).status == "running"
        assert world.show(deployment.id).expires_at_ns == end
        await world.advance(12 * HOUR_NS, stride_ns=HOUR_NS)
        assert world.show(deployment.id).gone_at_ns is not None


async def test_R19_a_fixed_duration_does_not_move_and_ends_on_time(world: World) -> None:
    deployment = await world.deployed(world.backend(), fixed_duration="1h30m")
    end = deployment.created_at_ns + 90 * 60 * SECOND_NS
    await world.advance(80 * 60 * SECOND_NS, stride_ns=600 * SECOND_NS)
    assert world.show(deployment.id).expires_at_ns == end
    await world.advance(end - world.clock.now_ns())
    assert (world.show(deployment.id).gone_at_ns, world.show(deployment.id).status_reason) == (end, "expired")


@pytest.mark.parametrize("close", ["commit", "rollback"])
async def test_R20_a_lease_that_closes_takes_its_deployment_with_it(world: World, close: str) -> None:
    lease = world.services.leases.create(ALICE).id
    backend = world.services.backends.create(ALICE, "leased", lease).id
    world.edit(backend, AddVertex(vertex="one", component=world.component("source", SOURCE)))
    deployment = await world.deployed(backend, lease=lease)
    assert (deployment.status, deployment.lease_id) == ("running", lease)
    getattr(world.services.leases, close)(ALICE, lease)
    await world.settle()
    gone = world.show(deployment.id)
    assert (gone.status_reason, gone.gone_at_ns is not None) == (f"lease_{close}", True)
    assert world.launcher.known() == []


async def test_R22_restarts_exit_codes_and_logs_of_a_container_are_shown(world: World) -> None:
    deployment = await world.deployed()
    row = world.containers(deployment.id)["b"]
    world.launcher.crash(row.id, exit_code=3)
    await world.settle()
    crashed = world.services.containers.show(ALICE, row.id)
    assert (crashed.restarts, crashed.exit_code) == (1, 3)
    assert [line async for line in world.controller.logs(row.id)]


async def test_R22_a_crash_loop_fails_the_deployment(world: World) -> None:
    world.launcher.script = lambda spec, _: Behaviour(exits_after_ns=0) if spec.vertex == "b" else Behaviour()
    deployment = await world.deployed()
    await world.advance(60 * SECOND_NS, stride_ns=SECOND_NS)
    failed = world.show(deployment.id)
    assert (failed.status, failed.status_reason) == ("failed", "crashloop")
