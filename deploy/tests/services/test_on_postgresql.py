"""The services over a real PostgreSQL: what the store's own tests do not see, many things at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from postgresql_server import postgresql_server
from service_platform import ALICE, ServicePlatform, service_platform

from pie_deploy.domain.operations import AddVertex
from pie_deploy.errors import DeploymentLiveError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.fixture
def platforms(server: str, tmp_path: Path) -> Iterator[list[ServicePlatform]]:
    """Two control planes on one database."""
    made = [service_platform(tmp_path, server) for _ in range(2)]
    yield made
    for platform in made:
        platform.close()


def test_a_whole_life_with_two_control_planes_at_once(platforms: list[ServicePlatform]) -> None:
    first, second = platforms
    first.runtime()
    first.released()
    first.backend()
    names = [f"t{number}" for number in range(30)]

    def append(number: int) -> None:
        services = platforms[number % 2].services
        services.backends.append(ALICE, "words", [AddVertex(vertex=names[number], transformation="tee")])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(len(names))))
    assert [record.seq for record in second.services.backends.operations(ALICE, "words")] == list(range(1, 33))
    assert {vertex.name for vertex in second.services.backends.show(ALICE, "words").vertices} == {"v", *names}
    second.services.backends.fork(ALICE, "words", "letters", at=2)

    def deploy(number: int) -> bool:
        try:
            platforms[number % 2].services.deployments.deploy(ALICE, "letters")
        except DeploymentLiveError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(deploy, range(6))) == [False] * 5 + [True]
    assert len(first.services.containers.list(ALICE, "letters")) == 1
    seqs = [event.seq for event in first.services.audit.list(ALICE)]
    assert seqs == sorted(set(seqs))
