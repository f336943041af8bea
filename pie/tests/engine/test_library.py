"""The library on programs that are compiled by nobody."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from blake3 import blake3

from pie.engine.library import SHARED, Library
from pie.engine.program import InstalledProgram
from pie.errors import ManifestError, ProgramError, ProgramNotFoundError
from pie.programs.resolved import ResolvedProgram
from pie.sandbox.program import Program


class Compiler:
    """Instead of a sandbox: the compiled program is its bytes."""

    def __init__(self) -> None:
        self.compiled: list[bytes] = []

    async def install(self, program: ResolvedProgram) -> InstalledProgram:
        await asyncio.sleep(0)
        if program.wasm.startswith(b"bad"):
            raise ProgramError("the program is not a WebAssembly component")
        self.compiled.append(program.wasm)
        return InstalledProgram(program.manifest, cast("Program", program.wasm))


def manifest(name: str = "hello", version: str = "0.1.0") -> str:
    return f'[package]\nname = "{name}"\nversion = "{version}"\n'


def wasm_of(program: InstalledProgram) -> object:
    return program.component


def only_file(folder: Path) -> Path:
    [path] = folder.rglob("*.program")
    return path


@pytest.fixture
def compiler() -> Compiler:
    return Compiler()


def another(compiler: Compiler, folder: Path) -> Library:
    return Library(compiler.install, folder / "programs", folder / "built", examples=folder / "examples")


@pytest.fixture
async def library(compiler: Compiler, tmp_path: Path) -> AsyncIterator[Library]:
    library = another(compiler, tmp_path)
    yield library
    await library.close()


@pytest.mark.parametrize("target", ["hello", "hello@latest", "hello@0.1.0"])
async def test_an_uploaded_program_is_found(library: Library, target: str) -> None:
    await library.add("alice", b"one", manifest())
    assert wasm_of(await library.find("alice", target)) == b"one"


async def test_nobody_else_sees_it(library: Library) -> None:
    await library.add("alice", b"one", manifest())
    assert not library.has("bob", "hello", "0.1.0")
    with pytest.raises(ProgramNotFoundError):
        await library.find("bob", "hello")


async def test_what_is_shared_everybody_sees_until_he_has_one_of_his_own(library: Library) -> None:
    await library.add(SHARED, b"all", manifest())
    assert wasm_of(await library.find("alice", "hello")) == b"all"
    await library.add("alice", b"own", manifest())
    assert wasm_of(await library.find("alice", "hello")) == b"own"
    assert wasm_of(await library.find("bob", "hello")) == b"all"


async def test_a_bare_name_is_the_newest_version_by_number(library: Library) -> None:
    for version in ("0.9.0", "0.10.0", "0.2.0"):
        await library.add("alice", version.encode(), manifest(version=version))
    assert wasm_of(await library.find("alice", "hello")) == b"0.10.0"


async def test_without_force_the_old_program_stays(library: Library) -> None:
    await library.add("alice", b"old", manifest())
    assert wasm_of(await library.add("alice", b"new", manifest())) == b"old"
    assert wasm_of(await library.find("alice", "hello")) == b"old"
    assert wasm_of(await library.add("alice", b"new", manifest(), force=True)) == b"new"
    assert wasm_of(await library.find("alice", "hello")) == b"new"


async def test_hashes_are_compared(library: Library) -> None:
    await library.add("alice", b"one", manifest())
    wasm_hash, manifest_hash = blake3(b"one").hexdigest(), blake3(manifest().encode()).hexdigest()
    assert library.has("alice", "hello", "0.1.0", wasm_hash, manifest_hash)
    assert library.has("alice", "hello", "0.1.0", wasm_hash.upper())
    assert not library.has("alice", "hello", "0.1.0", blake3(b"two").hexdigest())
    assert not library.has("alice", "hello", "0.1.0", wasm_hash, blake3(b"").hexdigest())


async def test_what_cannot_be_compiled_is_not_kept(library: Library) -> None:
    with pytest.raises(ProgramError):
        await library.add("alice", b"bad", manifest())
    assert not library.has("alice", "hello", "0.1.0")


async def test_a_wrong_manifest_is_refused(library: Library) -> None:
    with pytest.raises(ManifestError, match=r"package\.name"):
        await library.add("alice", b"one", manifest(name="../up"))


async def test_programs_are_there_after_a_restart(library: Library, compiler: Compiler, tmp_path: Path) -> None:
    await library.add("alice", b"one", manifest())
    restarted = another(compiler, tmp_path)
    assert restarted.has("alice", "hello", "0.1.0", blake3(b"one").hexdigest())
    assert wasm_of(await restarted.find("alice", "hello")) == b"one"


async def test_asked_for_a_hundred_times_it_is_compiled_once(library: Library, compiler: Compiler, tmp_path: Path) -> None:
    await library.add("alice", b"one", manifest())
    compiler.compiled.clear()
    restarted = another(compiler, tmp_path)
    found = await asyncio.gather(*(restarted.find("alice", "hello") for _ in range(100)))
    assert compiler.compiled == [b"one"]
    assert all(program is found[0] for program in found)


async def test_another_engine_on_the_same_home_sees_it(library: Library, compiler: Compiler, tmp_path: Path) -> None:
    other = another(compiler, tmp_path)
    assert not other.has("alice", "hello", "0.1.0")
    await library.add("alice", b"one", manifest())
    assert wasm_of(await other.find("alice", "hello")) == b"one"
    await library.add("alice", b"two", manifest(), force=True)
    assert wasm_of(await other.find("alice", "hello")) == b"two"


@pytest.mark.parametrize("damage", [b"", b"pie program 1\n{", b"\0" * 300])
async def test_a_damaged_program_is_not_there_and_can_be_uploaded_again(
    library: Library, compiler: Compiler, tmp_path: Path, damage: bytes
) -> None:
    await library.add("alice", b"one", manifest())
    path = only_file(tmp_path)
    path.write_bytes(damage)
    restarted = another(compiler, tmp_path)
    assert not restarted.has("alice", "hello", "0.1.0")
    with pytest.raises(ProgramNotFoundError):
        await restarted.find("alice", "hello")
    await restarted.add("alice", b"two", manifest())
    assert wasm_of(await restarted.find("alice", "hello")) == b"two"


async def test_a_component_that_has_changed_on_disk_is_not_run(library: Library, compiler: Compiler, tmp_path: Path) -> None:
    await library.add("alice", b"one", manifest())
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-3] + b"eno")
    with pytest.raises(ProgramNotFoundError):
        await another(compiler, tmp_path).find("alice", "hello")


@pytest.mark.parametrize("target", ["", "a b", "../a", "a@1", "a@new", "a@1.0.0@1.0.0", "a/b/c", "x" * 1000])
async def test_what_can_be_no_program_is_not_found(library: Library, target: str) -> None:
    with pytest.raises(ProgramNotFoundError, match=r"expected 'name@major\.minor\.patch'"):
        await library.find("alice", target)
