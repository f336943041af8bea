"""Programs from a registry, found by the library."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from pie.clock import ManualClock
from pie.engine.library import Library
from pie.engine.program import InstalledProgram
from pie.errors import ProgramNotFoundError, RegistryError
from pie.programs.resolved import ResolvedProgram
from pie.sandbox.program import Program
from programs_fakes.registry import FakeRegistry, manifest_text

SECOND = 1_000_000_000


async def install(program: ResolvedProgram) -> InstalledProgram:
    """Nothing is compiled: the component is its bytes."""
    return InstalledProgram(program.manifest, cast("Program", program.wasm))


@pytest.fixture
async def fake() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry().serving() as fake:
        yield fake


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def library_of(url: str, folder: Path, clock: ManualClock) -> Library:
    return Library(install, folder / "programs", folder / "built", registry=url, clock=clock, examples=folder / "examples")


@pytest.fixture
async def library(fake: FakeRegistry, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Library]:
    library = library_of(fake.url, tmp_path, clock)
    yield library
    await library.close()


@contextmanager
def down(fake: FakeRegistry) -> Iterator[None]:
    fake.fault = "error"
    yield
    fake.fault = ""


async def component(library: Library, target: str) -> object:
    return (await library.find("alice", target)).component


def part_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in (".part", ".program")]


@pytest.mark.parametrize("target", ["hello", "hello@latest", "hello@0.2.0"])
async def test_an_unknown_program_is_pulled(fake: FakeRegistry, library: Library, target: str) -> None:
    for version in ("0.1.0", "0.2.0"):
        fake.publish("hello", version, version.encode())
    assert await component(library, target) == b"0.2.0"


async def test_a_program_below_its_owner_keeps_that_name(fake: FakeRegistry, library: Library) -> None:
    fake.publish("bob/tool", "1.0.0", b"tool")
    assert (await library.find("alice", "bob/tool")).id == "bob/tool@1.0.0"


async def test_asked_for_a_hundred_times_it_is_pulled_once(fake: FakeRegistry, library: Library) -> None:
    fake.publish("hello", "0.1.0", b"x" * 100_000)
    await asyncio.gather(*(library.find("alice", target) for target in ("hello", "hello@0.1.0") * 50))
    assert fake.calls["download"] == 1


async def test_a_bare_name_asks_once_for_a_while(fake: FakeRegistry, library: Library, clock: ManualClock) -> None:
    fake.publish("hello", "0.1.0", b"one")
    for _ in range(5):
        await library.find("alice", "hello")
    assert fake.calls["info"] == 1
    fake.publish("hello", "0.2.0", b"two")
    clock.advance(11 * SECOND)
    assert await component(library, "hello") == b"two"


async def test_a_version_published_just_now_is_found_a_second_later(
    fake: FakeRegistry, library: Library, clock: ManualClock
) -> None:
    fake.publish("hello", "0.1.0", b"one")
    for _ in range(5):
        with pytest.raises(ProgramNotFoundError):
            await library.find("alice", "hello@0.2.0")
    assert fake.calls["info"] == 1
    fake.publish("hello", "0.2.0", b"two")
    clock.advance(1 * SECOND)
    assert await component(library, "hello@0.2.0") == b"two"


async def test_a_yanked_version_is_only_for_who_names_it(fake: FakeRegistry, library: Library) -> None:
    fake.publish("hello", "0.1.0", b"one")
    fake.publish("hello", "0.2.0", b"two", yanked=True)
    assert await component(library, "hello") == b"one"
    assert await component(library, "hello@0.2.0") == b"two"
    assert await component(library, "hello") == b"one"


async def test_a_name_whose_versions_are_all_yanked_says_so(fake: FakeRegistry, library: Library) -> None:
    fake.publish("hello", "0.1.0", b"one", yanked=True)
    with pytest.raises(ProgramNotFoundError, match="all versions of 'hello' are yanked"):
        await library.find("alice", "hello")


async def test_what_was_pulled_works_without_the_registry(
    fake: FakeRegistry, library: Library, tmp_path: Path, clock: ManualClock
) -> None:
    fake.publish("hello", "0.1.0", b"one")
    fake.publish("hello", "0.3.0", b"bad", yanked=True)
    await library.find("alice", "hello")
    await library.find("alice", "hello@0.3.0")
    with down(fake):
        restarted = library_of(fake.url, tmp_path, clock)
        assert await component(restarted, "hello@0.1.0") == b"one"
        assert await component(restarted, "hello@0.3.0") == b"bad"
        assert await component(restarted, "hello") == b"one"
        with pytest.raises(RegistryError, match="answered with status 500"):
            await restarted.find("alice", "other")
        await restarted.close()


async def test_a_registry_that_is_down_is_not_asked_all_the_time(fake: FakeRegistry, library: Library, clock: ManualClock) -> None:
    with down(fake):
        for _ in range(5):
            with pytest.raises(RegistryError):
                await library.find("alice", "hello")
    assert fake.calls["info"] == 1
    fake.publish("hello", "0.1.0", b"one")
    clock.advance(31 * SECOND)
    assert await component(library, "hello") == b"one"


@pytest.mark.parametrize("fault", ["dies", "floods", "lies"])
async def test_nothing_is_left_of_a_pull_that_failed(fake: FakeRegistry, library: Library, tmp_path: Path, fault: str) -> None:
    version = fake.publish("hello", "0.1.0", b"x" * 1000)
    fake.fault = fault
    if fault == "lies":
        version.checksum = "0" * 64
    with pytest.raises(RegistryError):
        await library.find("alice", "hello@0.1.0")
    assert part_files(tmp_path) == []
    assert not library.has("alice", "hello", "0.1.0")
    fake.fault = ""
    fake.publish("hello", "0.1.0", b"good")
    assert await component(library, "hello@0.1.0") == b"good"


async def test_what_was_pulled_and_is_damaged_is_pulled_again(
    fake: FakeRegistry, library: Library, tmp_path: Path, clock: ManualClock
) -> None:
    fake.publish("hello", "0.1.0", b"one")
    await library.find("alice", "hello@0.1.0")
    [path] = part_files(tmp_path)
    path.write_bytes(path.read_bytes()[:-3] + b"eno")
    restarted = library_of(fake.url, tmp_path, clock)
    assert await component(restarted, "hello@0.1.0") == b"one"
    await restarted.close()


async def test_an_upload_comes_before_what_the_registry_has(fake: FakeRegistry, library: Library) -> None:
    fake.publish("hello", "9.0.0", b"theirs")
    await library.add("alice", b"own", manifest_text("hello", "0.1.0"))
    assert await component(library, "hello") == b"own"
    assert await component(library, "hello@9.0.0") == b"theirs"


async def test_programs_of_another_registry_do_not_count(fake: FakeRegistry, library: Library, tmp_path: Path) -> None:
    fake.publish("hello", "0.1.0", b"one")
    await library.find("alice", "hello")
    elsewhere = library_of("http://127.0.0.1:1", tmp_path, ManualClock())
    with pytest.raises(RegistryError, match="cannot be reached"):
        await elsewhere.find("alice", "hello")
    await elsewhere.close()


async def test_an_engine_that_ends_in_the_middle_of_a_pull_leaves_nothing(
    fake: FakeRegistry, library: Library, tmp_path: Path
) -> None:
    fake.fault = "hangs"
    waiting = asyncio.create_task(library.find("alice", "hello"))
    while not fake.calls:
        await asyncio.sleep(0.01)
    await library.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert part_files(tmp_path) == []
