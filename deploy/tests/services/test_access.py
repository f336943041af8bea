"""How far an agent reaches: its own leases, and the workspace to look at and to take from."""

from collections.abc import Callable

import pytest
from service_platform import ALICE, BOB, SHOUT, ServicePlatform, component_archive, shout_operations

from pie_deploy.domain.graph_document import GraphDocument
from pie_deploy.domain.operations import AddFile, AddVertex, Describe
from pie_deploy.domain.role import Permission, Role
from pie_deploy.errors import DeployError, ForbiddenError, NotFoundError
from pie_deploy.services.actor import Actor

AGENT = Actor("alice", "test", role=Role.AGENT, key="k-agent")
OTHER_AGENT = Actor("alice", "test", role=Role.AGENT, key="k-other")
"""Of the same user."""


@pytest.fixture
def lease(platform: ServicePlatform) -> str:
    """Of the agent, with a backend `mine`, a file `mine.txt` and a prerelease `mine`."""
    lease = platform.services.leases.create(AGENT).id
    platform.services.components.publish(AGENT, component_archive("mine"), lease)
    platform.services.files.upload(AGENT, "mine.txt", "text", [b"x"], lease)
    platform.services.backends.create(AGENT, "mine", lease)
    return lease


@pytest.fixture
def hers(platform: ServicePlatform) -> str:
    """A lease of the same user, opened with another key, with the same kinds of things in it."""
    lease = platform.services.leases.create(ALICE).id
    platform.services.components.publish(ALICE, component_archive("hers"), lease)
    platform.services.files.upload(ALICE, "hers.txt", "text", [b"x"], lease)
    platform.services.backends.create(ALICE, "hers", lease)
    return lease


BIND = [AddFile(vertex="v", slot="s", file="hers.txt")]

LOOKS: dict[str, Callable[[ServicePlatform, str], object]] = {
    "lease": lambda platform, lease: platform.services.leases.show(AGENT, lease),
    "heartbeat": lambda platform, lease: platform.services.leases.heartbeat(AGENT, lease),
    "rollback": lambda platform, lease: platform.services.leases.rollback(AGENT, lease),
    "result": lambda platform, lease: platform.services.leases.set_result(AGENT, lease, {}),
    "backend": lambda platform, lease: platform.services.backends.show(AGENT, "hers"),
    "operations": lambda platform, lease: platform.services.backends.operations(AGENT, "hers"),
    "endpoints": lambda platform, lease: platform.services.backends.endpoints(AGENT, "hers"),
    "export": lambda platform, lease: platform.services.backends.export(AGENT, "hers"),
    "diff": lambda platform, lease: platform.services.backends.diff(AGENT, "mine", "hers"),
    "append": lambda platform, lease: platform.services.backends.append(AGENT, "hers", [Describe(description="x")]),
    "undo": lambda platform, lease: platform.services.backends.undo(AGENT, "hers"),
    "compact": lambda platform, lease: platform.services.backends.compact(AGENT, "hers"),
    "apply": lambda platform, lease: platform.services.backends.apply(AGENT, "hers", GraphDocument(name="hers")),
    "fork": lambda platform, lease: platform.services.backends.fork(AGENT, "hers", "fork", lease=lease),
    "delete": lambda platform, lease: platform.services.backends.delete(AGENT, "hers"),
    "deploy": lambda platform, lease: platform.services.deployments.deploy(AGENT, "hers", lease=lease),
    "file": lambda platform, lease: platform.services.files.show(AGENT, "hers.txt"),
    "content": lambda platform, lease: platform.services.files.content(AGENT, "hers.txt"),
    "delete-file": lambda platform, lease: platform.services.files.delete(AGENT, "hers.txt"),
    "link": lambda platform, lease: platform.services.files.link(AGENT, "hers.txt", lease),
    "component": lambda platform, lease: platform.services.components.show(AGENT, "hers"),
    "archive": lambda platform, lease: platform.services.components.archive(AGENT, "hers@1"),
    "create": lambda platform, lease: platform.services.backends.create(AGENT, "new", lease),
    "publish": lambda platform, lease: platform.services.components.publish(AGENT, SHOUT, lease),
    "upload": lambda platform, lease: platform.services.files.upload(AGENT, "new", "text", [b""], lease),
    "refer": lambda platform, lease: platform.services.backends.append(AGENT, "mine", [AddVertex(vertex="v", component="hers")]),
    "bind": lambda platform, lease: platform.services.backends.append(
        AGENT, "mine", [AddFile(vertex="v", slot="s", file="hers.txt")]
    ),
}


@pytest.mark.usefixtures("lease")
def test_another_lease_and_what_it_owns_are_not_there_for_an_agent(platform: ServicePlatform, hers: str) -> None:
    for what, look in LOOKS.items():
        with pytest.raises(NotFoundError) as caught:
            look(platform, hers)
        assert "hers" not in caught.value.hint, what


@pytest.mark.usefixtures("lease", "hers")
def test_nor_do_lists_have_them(platform: ServicePlatform) -> None:
    services = platform.services
    assert [row.name for row in services.backends.list(AGENT)] == ["mine"]
    assert [row.name for row in services.files.list(AGENT)] == ["mine.txt"]
    assert [row.name for row in services.components.list(AGENT)] == ["mine"]
    assert len(services.leases.list(AGENT)) == 1
    assert services.leases.list(OTHER_AGENT) == services.backends.list(OTHER_AGENT) == []


def test_its_user_sees_and_closes_an_agent_s_leases_with_another_key(platform: ServicePlatform, lease: str) -> None:
    assert len(platform.services.leases.show(ALICE, lease).backends) == 1
    assert platform.services.leases.commit(ALICE, lease).state == "committed"
    with pytest.raises(ForbiddenError, match="nowhere else"):
        platform.services.backends.append(AGENT, "mine", [Describe(description="x")])


def test_nobody_else_does(platform: ServicePlatform, lease: str) -> None:
    with pytest.raises(ForbiddenError):
        platform.services.leases.rollback(BOB, lease)


WORKSPACE: dict[str, Callable[[ServicePlatform], object]] = {
    "create": lambda platform: platform.services.backends.create(AGENT, "new"),
    "publish": lambda platform: platform.services.components.publish(AGENT, SHOUT),
    "upload": lambda platform: platform.services.files.upload(AGENT, "new", "text", [b""]),
    "append": lambda platform: platform.services.backends.append(AGENT, "words", [Describe(description="x")]),
    "undo": lambda platform: platform.services.backends.undo(AGENT, "words"),
    "compact": lambda platform: platform.services.backends.compact(AGENT, "words"),
    "apply": lambda platform: platform.services.backends.apply(AGENT, "words", GraphDocument(name="words")),
    "dry run": lambda platform: platform.services.backends.apply(AGENT, "words", GraphDocument(name="words"), dry_run=True),
    "apply new": lambda platform: platform.services.backends.apply(AGENT, "fresh", GraphDocument(name="fresh")),
    "fork": lambda platform: platform.services.backends.fork(AGENT, "words", "fork"),
    "delete": lambda platform: platform.services.backends.delete(AGENT, "words"),
    "deploy": lambda platform: platform.services.deployments.deploy(AGENT, "words"),
    "redeploy": lambda platform: platform.services.deployments.redeploy(AGENT, "words"),
    "undeploy": lambda platform: platform.services.deployments.undeploy(AGENT, "words"),
    "urls": lambda platform: platform.services.backends.endpoints(AGENT, "words"),
    "content": lambda platform: platform.services.files.content(AGENT, "shared.txt"),
    "archive": lambda platform: platform.services.components.archive(AGENT, "shout"),
    "delete-file": lambda platform: platform.services.files.delete(AGENT, "shared.txt"),
    "audit": lambda platform: platform.services.audit.list(AGENT),
    "audit of a backend": lambda platform: platform.services.audit.list(AGENT, backend="words"),
}


@pytest.mark.usefixtures("lease")
def test_what_the_workspace_owns_an_agent_neither_changes_nor_runs_nor_opens(platform: ServicePlatform) -> None:
    platform.deployed()
    platform.services.files.upload(ALICE, "shared.txt", "text", [b"x"])
    before = platform.services.backends.show(ALICE, "words"), platform.services.files.list(ALICE)
    for what, do in WORKSPACE.items():
        with pytest.raises(ForbiddenError, match="nowhere else") as caught:
            do(platform)
        assert "would be enough" in caught.value.hint, what
    assert (platform.services.backends.show(ALICE, "words"), platform.services.files.list(ALICE)) == before


def test_a_workspace_s_backend_is_not_deployed_by_an_agent_in_its_lease_either(platform: ServicePlatform, lease: str) -> None:
    platform.runtime()
    platform.released()
    platform.backend()
    with pytest.raises(ForbiddenError):
        platform.services.deployments.deploy(AGENT, "words", lease=lease)


def test_an_agent_brings_what_the_workspace_has_into_its_lease_and_runs_it_there(platform: ServicePlatform, lease: str) -> None:
    platform.runtime()
    platform.released()
    platform.backend()
    platform.services.files.upload(ALICE, "shared.txt", "text", [b"x"])
    services = platform.services
    assert services.backends.show(AGENT, "words").vertices
    fork = services.backends.fork(AGENT, "words", "copy", lease=lease)
    services.backends.append(AGENT, fork.id, [AddFile(vertex="v", slot="names", file="shared.txt")])
    services.files.link(AGENT, "shared.txt", lease)
    deployment = services.deployments.deploy(AGENT, fork.id)
    assert deployment.lease_id == lease
    assert services.backends.endpoints(AGENT, fork.id)[0].url
    (container,) = services.containers.list(AGENT, deployment.id)
    assert services.containers.show(AGENT, container.id, Permission.READ_LOGS).vertex == "v"
    assert {event.lease_id for event in services.audit.list(AGENT, lease=lease)} == {lease}
    assert services.deployments.undeploy(AGENT, deployment.id).status == "tearing_down"


def test_containers_of_other_leases_are_not_there(platform: ServicePlatform, hers: str) -> None:
    platform.runtime()
    platform.released()
    platform.services.backends.append(ALICE, "hers", shout_operations())
    deployment = platform.services.deployments.deploy(ALICE, "hers")
    (container,) = platform.services.containers.list(ALICE, deployment.id)
    looks: list[Callable[[], object]] = [
        lambda: platform.services.containers.show(AGENT, container.id),
        lambda: platform.services.containers.list(AGENT, deployment.id),
        lambda: platform.services.deployments.show(AGENT, deployment.id),
        lambda: platform.services.deployments.events(AGENT, deployment.id),
        lambda: platform.services.deployments.undeploy(AGENT, deployment.id),
        lambda: platform.services.deployments.redeploy(AGENT, "hers"),
    ]
    for look in looks:
        with pytest.raises(NotFoundError):
            look()
    assert platform.services.deployments.list(AGENT) == []


def test_a_workspace_s_backend_that_runs_in_another_lease_looks_as_if_it_did_not(platform: ServicePlatform, hers: str) -> None:
    platform.runtime()
    platform.released()
    platform.backend()
    platform.services.deployments.deploy(ALICE, "words", lease=hers)
    assert platform.services.backends.show(AGENT, "words").deployment is None
    with pytest.raises(NotFoundError, match="not deployed"):
        platform.services.deployments.show(AGENT, "words")


def test_prereleases_of_its_user_are_not_an_agent_s(platform: ServicePlatform, lease: str) -> None:
    platform.publish()
    with pytest.raises(NotFoundError):
        platform.services.components.show(AGENT, "shout")
    assert platform.services.components.show(AGENT, "mine").lease_id == lease


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AGENT])
def test_other_roles_see_everything_that_is_recorded(platform: ServicePlatform, hers: str, role: Role) -> None:
    actor = Actor("somebody", role=role)
    assert platform.services.leases.show(actor, hers).backends
    assert [row.name for row in platform.services.backends.list(actor)] == ["hers"]


def test_services_refuse_by_themselves_what_a_role_may_not(platform: ServicePlatform) -> None:
    platform.deployed()
    platform.services.files.upload(ALICE, "shared.txt", "text", [b"x"])
    operator, viewer = Actor("oscar", role=Role.OPERATOR), Actor("vera", role=Role.VIEWER)
    refused: list[Callable[[], object]] = [
        lambda: platform.services.backends.append(operator, "words", [Describe(description="x")]),
        lambda: platform.services.backends.apply(operator, "words", GraphDocument(name="words")),
        lambda: platform.services.backends.create(operator, "new"),
        lambda: platform.services.files.content(operator, "shared.txt"),
        lambda: platform.services.deployments.undeploy(viewer, "words"),
        lambda: platform.services.backends.endpoints(viewer, "words"),
    ]
    for do in refused:
        with pytest.raises(DeployError, match="may not do this"):
            do()
