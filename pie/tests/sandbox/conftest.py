"""Guests written by hand, and a sandbox to run them in."""

from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import wasmtime

from pie.limits import SandboxLimits
from pie.sandbox.interface import HostFunction, Interface
from pie.sandbox.program import Program
from pie.sandbox.sandbox import Sandbox

HOST = "t:t/host@0.1.0"


def component(wat: str) -> bytes:
    return bytes(wasmtime.wat2wasm(wat))


def guest(
    body: str = "",
    *,
    functions: Mapping[str, tuple[str, str]] | None = None,
    declarations: str = "",
    definitions: str = "",
    name: str = HOST,
    run: str = "pie:test/run@0.1.0",
    pages: int = 1,
    start: str = "",
) -> bytes:
    """A component whose `run` executes `body` and returns its input.

    functions: what it imports from `name`: WIT name → (component type, core type), called as `$name`.
    declarations: what stands before them in the imported interface: types and resources.
    definitions: core functions and globals beside `run`. start: instructions at instantiation.
    """
    functions = functions or {}
    exports = "".join(f'(export "{wit}" (func {types[0]}))' for wit, types in functions.items())
    lowered = "".join(
        f'(core func ${core_name(wit)} (canon lower (func $host "{wit}")'
        ' (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))'
        for wit in functions
    )
    imported = "".join(
        f'(import "host" "{core_name(wit)}" (func ${core_name(wit)} {types[1]}))' for wit, types in functions.items()
    )
    handed = "".join(f'(export "{core_name(wit)}" (func ${core_name(wit)}))' for wit in functions)
    return component(f"""(component
      (import "{name}" (instance $host {declarations} {exports}))
      (core module $memory
        (memory (export "memory") {pages})
        (global $top (mut i32) (i32.const 4096))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
          (global.get $top)
          (global.set $top (i32.add (global.get $top) (local.get 3)))))
      (core instance $m (instantiate $memory))
      {lowered}
      (core module $guest
        (import "m" "memory" (memory {pages}))
        {imported}
        {definitions}
        (func $start {start}) (start $start)
        (func (export "run") (param $text i32) (param $size i32) (result i32) (local $i i32)
          {body}
          (i32.store (i32.const 1024) (i32.const 0))
          (i32.store (i32.const 1028) (local.get $text))
          (i32.store (i32.const 1032) (local.get $size))
          (i32.const 1024)))
      (core instance $g (instantiate $guest (with "m" (instance $m)) (with "host" (instance {handed}))))
      (func $run (param "input" string) (result (result string (error string)))
        (canon lift (core func $g "run") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
      (instance $exports (export "run" (func $run)))
      (export "{run}" (instance $exports)))""")


def core_name(wit_name: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in wit_name)


Load = Callable[..., "AsyncLoad"]


class AsyncLoad:
    """`await load(wasm, functions=…)`: a program in a sandbox of its own, which is closed when the test ends."""

    def __init__(self) -> None:
        self.sandboxes: list[Sandbox] = []

    async def __call__(
        self,
        wasm: bytes,
        functions: Mapping[str, HostFunction] | None = None,
        *,
        resources: Mapping[str, type] | None = None,
        types: Mapping[str, type] | None = None,
        limits: SandboxLimits | None = None,
        name: str = HOST,
    ) -> Program:
        interface = Interface(name, functions or {}, resources or {}, types or {})
        sandbox = Sandbox([interface], cache_folder=None, limits=limits)
        self.sandboxes.append(sandbox)
        return await sandbox.load(wasm)


@pytest.fixture
async def load() -> AsyncIterator[AsyncLoad]:
    loaded = AsyncLoad()
    yield loaded
    for sandbox in loaded.sandboxes:
        await sandbox.close()


@pytest.fixture(name="guest")
def guest_fixture() -> Callable[..., bytes]:
    return guest


@pytest.fixture(name="component")
def component_fixture() -> Callable[[str], bytes]:
    return component
