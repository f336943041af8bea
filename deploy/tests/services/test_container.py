from msgspec.structs import replace
from service_platform import ALICE, BOB, ServicePlatform


def test_containers_of_all_deployments_come_page_by_page(platform: ServicePlatform) -> None:
    platform.deployed("words")
    platform.backend("others")
    platform.services.deployments.deploy(ALICE, "others")
    containers = platform.services.containers
    all_ = sorted(one.id for name in ("words", "others") for one in containers.list(ALICE, name))
    [first] = containers.page(BOB, limit=1)
    rest = containers.page(BOB, after=first.id)
    assert [first.id, *(one.id for one in rest)] == all_
    assert {one.secret for one in rest} == {""}
    assert not containers.page(BOB, after=all_[-1])


def test_containers_of_what_is_gone_are_not_listed(platform: ServicePlatform) -> None:
    deployment = platform.deployed("words")
    platform.put(replace(deployment, status="tearing_down", gone_at_ns=1))
    assert not platform.services.containers.page(ALICE)
