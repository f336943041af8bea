"""A registry is not trusted: whatever it does, the answer is a program that was verified, or an error that says what is wrong."""

from collections.abc import AsyncIterator

import pytest

from pie.errors import RegistryError
from pie.programs import registry as module
from pie.programs.registry import Registry, Release
from programs_fakes.registry import FakeRegistry, manifest_text

COMPONENT = b"\0asm" + bytes(range(256)) * 4096


@pytest.fixture
async def fake() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry().serving() as fake:
        fake.publish("hello", "0.1.0", COMPONENT)
        yield fake


@pytest.fixture
async def registry(fake: FakeRegistry) -> AsyncIterator[Registry]:
    registry = Registry(fake.url)
    yield registry
    await registry.close()


async def release(registry: Registry, name: str = "hello", version: str = "0.1.0") -> Release:
    releases = await registry.releases(name)
    assert releases is not None
    return releases.by_version[version]


async def pull_error(registry: Registry, name: str = "hello") -> str:
    with pytest.raises(RegistryError) as caught:
        await registry.pull(name, await release(registry, name))
    assert registry.url in caught.value.message
    return caught.value.message


async def test_a_program_is_pulled(registry: Registry) -> None:
    pulled = await registry.pull("hello", await release(registry))
    assert (pulled.manifest_text, pulled.component) == (manifest_text("hello", "0.1.0"), COMPONENT)


async def test_a_program_may_stand_below_its_owner(fake: FakeRegistry, registry: Registry) -> None:
    fake.publish("alice/tool", "1.0.0", b"tool")
    assert (await registry.pull("alice/tool", await release(registry, "alice/tool", "1.0.0"))).component == b"tool"


async def test_the_address_may_be_that_of_the_api(fake: FakeRegistry) -> None:
    registry = Registry(f"{fake.url}/api/v1/")
    assert await registry.releases("hello")
    await registry.close()


async def test_the_newest_version_is_the_highest_number_that_is_not_yanked(fake: FakeRegistry, registry: Registry) -> None:
    for version in ("0.10.0", "0.9.0", "1.0.0"):
        fake.publish("hello", version, b"", yanked=version == "1.0.0")
    releases = await registry.releases("hello")
    assert releases and releases.latest and releases.latest.num == "0.10.0"


async def test_versions_that_are_none_are_not_seen(fake: FakeRegistry, registry: Registry) -> None:
    fake.publish("hello", "../../etc", b"")
    fake.publish("hello", "1.0.0-rc1", b"")
    releases = await registry.releases("hello")
    assert releases and list(releases.by_version) == ["0.1.0"]


async def test_an_unknown_program_is_none(registry: Registry) -> None:
    assert await registry.releases("nobody") is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"checksum": "0" * 64}, "the checksum differs"),
        ({"checksum": ""}, "without a SHA-256 checksum"),
        ({"checksum": "md5"}, "without a SHA-256 checksum"),
        ({"size_bytes": 10}, "sends more than 10 bytes"),
        ({"component": b""}, "the checksum differs"),
        ({"manifest": manifest_text("other", "0.1.0")}, "sent the manifest of other@0.1.0 for hello@0.1.0"),
        ({"manifest": manifest_text("hello", "0.2.0")}, "sent the manifest of hello@0.2.0 for hello@0.1.0"),
        ({"manifest": "[package"}, "unusable manifest"),
        ({"manifest": manifest_text("../../x", "0.1.0")}, "unusable manifest"),
    ],
)
async def test_lies_are_found_out(fake: FakeRegistry, registry: Registry, changes: dict[str, object], problem: str) -> None:
    for key, value in changes.items():
        setattr(fake.programs["hello"]["0.1.0"], key, value)
    assert problem in await pull_error(registry)


async def test_one_that_dies_in_the_middle_of_a_download(fake: FakeRegistry, registry: Registry) -> None:
    fake.fault = "dies"
    assert "cannot be reached" in await pull_error(registry)


async def test_a_component_that_is_too_large_is_cut_off(fake: FakeRegistry) -> None:
    fake.fault = "floods"
    registry = Registry(fake.url, bytes_max=1 << 20)
    assert "sends more than 1048576 bytes" in await pull_error(registry)
    await registry.close()


async def test_what_is_listed_and_not_there(fake: FakeRegistry, registry: Registry) -> None:
    listed = await release(registry)
    fake.programs.clear()
    with pytest.raises(RegistryError, match="does not have what it lists"):
        await registry.pull("hello", listed)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("error", "answered with status 500: the database [31m is gone"),
        ("redirect", "wants to send us to http://169.254.169.254/secret, which is not followed"),
        ("garbage", "is no registry"),
        ("compressed", "sends compressed answers"),
    ],
)
async def test_answers_that_cannot_be_used(fake: FakeRegistry, registry: Registry, fault: str, problem: str) -> None:
    fake.fault = fault
    with pytest.raises(RegistryError) as caught:
        await registry.releases("hello")
    assert problem in caught.value.message


async def test_one_that_never_answers(fake: FakeRegistry, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REGISTRY_ANSWER_TIMEOUT_S", 0.05)
    fake.fault = "hangs"
    with pytest.raises(RegistryError, match=r"took more than 0\.05 s"):
        await registry.releases("hello")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://127.0.0.1:1", "cannot be reached"),
        ("file:///etc", "is no address that begins with http"),
        ("127.0.0.1:80", "is no address"),
        ("http://[", "cannot be reached"),
        ("ftp://example.org", "is no address that begins with http"),
    ],
)
async def test_one_that_is_not_there(url: str, problem: str) -> None:
    registry = Registry(url)
    with pytest.raises(RegistryError, match=problem):
        await registry.releases("hello")
    await registry.close()
