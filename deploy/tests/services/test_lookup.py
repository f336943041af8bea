"""What is said about a name that is not there: which there are, of those that whoever asks may see."""

from collections.abc import Callable

import pytest
from service_platform import ALICE, BOB, ServicePlatform, component_archive

from pie_deploy.errors import NotFoundError
from pie_deploy.services import Actor

Ask = Callable[[ServicePlatform, Actor], object]

UNKNOWN: dict[str, tuple[Ask, str]] = {
    "backend": (lambda one, actor: one.services.backends.show(actor, "wrods"), "did you mean words? there is words"),
    "deployment": (lambda one, actor: one.services.deployments.show(actor, "wrods"), "did you mean words? there is words"),
    "runtime": (lambda one, actor: one.services.runtimes.show(actor, "locla"), "did you mean local? there is local"),
    "component": (lambda one, actor: one.services.components.show(actor, "shuot"), "did you mean shout? there is shout"),
    "version": (lambda one, actor: one.services.components.show(actor, "shout@7"), "did you mean shout@1? there is shout@1"),
    "file": (lambda one, actor: one.services.files.show(actor, "x"), "there are none"),
    "lease": (lambda one, actor: one.services.leases.show(actor, "l-x"), "there are none"),
}


@pytest.fixture
def deployed(platform: ServicePlatform) -> ServicePlatform:
    platform.deployed("words")
    return platform


@pytest.mark.parametrize(("ask", "hint"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_there_is_is_named(deployed: ServicePlatform, ask: Ask, hint: str) -> None:
    with pytest.raises(NotFoundError) as refusal:
        ask(deployed, BOB)
    assert refusal.value.hint == hint


def test_a_backend_that_is_not_deployed_is_told_from_one_that_is_not_there(deployed: ServicePlatform) -> None:
    deployed.backend("others")
    with pytest.raises(NotFoundError, match="backend others is not deployed"):
        deployed.services.deployments.show(ALICE, "others")


def test_a_prerelease_is_not_named_to_others(deployed: ServicePlatform) -> None:
    deployed.publish(component_archive("secret"))
    for ref in ("secre", "secret", "secret@1"):
        with pytest.raises(NotFoundError) as refusal:
            deployed.services.components.show(BOB, ref)
        assert refusal.value.hint == "there is shout"
    with pytest.raises(NotFoundError) as refusal:
        deployed.services.components.show(ALICE, "secre")
    assert refusal.value.hint == "did you mean secret? there are secret, shout"
