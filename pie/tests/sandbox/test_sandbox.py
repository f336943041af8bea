import asyncio
import logging
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pie.errors import ProgramError
from pie.sandbox.cache import CompileCache
from pie.sandbox.interface import Interface, Ok
from pie.sandbox.sandbox import Sandbox


@pytest.fixture
async def sandboxes(tmp_path):
    made = []

    def make(folder=tmp_path / "cache", interfaces=()):
        made.append(Sandbox(interfaces, cache_folder=folder))
        return made[-1]

    yield make
    for sandbox in made:
        await sandbox.close()


async def refused(sandbox, wasm):
    with pytest.raises(ProgramError) as caught:
        await sandbox.load(wasm)
    return str(caught.value)


async def test_what_is_no_component_is_refused_in_plain_words(sandboxes, component):
    sandbox = sandboxes()
    assert "is not a WebAssembly component" in await refused(sandbox, b"")
    assert "is not a WebAssembly component" in await refused(sandbox, b"(component)")
    assert "is a core WebAssembly module" in await refused(sandbox, component("(module)"))


async def test_a_truncated_component_is_refused(sandboxes, guest):
    assert "no valid WebAssembly component" in await refused(sandboxes(), guest()[:-100])


async def test_a_component_without_run_is_refused_with_what_it_exports(sandboxes, component):
    assert "No 'run' interface found: the program exports nothing" in await refused(sandboxes(), component("(component)"))


async def test_a_component_of_another_world_is_refused(sandboxes, guest):
    for name in ("wasi:cli/run@0.2.0", "pie:test/walk", "other:test/run"):
        assert f"the program exports {name}" in await refused(sandboxes(), guest(run=name))


async def test_run_may_have_any_package_name_and_version(sandboxes, guest):
    sandbox = sandboxes(interfaces=[Interface("t:t/host@0.1.0", {})])
    for name in ("pie:x/run", "pie:my-program/run@0.1.0", "pie:inferlet/run@3.0.0"):
        program = await sandbox.load(guest(run=name))
        assert await (await program.start(None)).run("x") == Ok("x")


async def test_a_run_of_another_type_is_refused(sandboxes, component):
    wasm = component("""(component
      (core module $m (func (export "f")))
      (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f")))
      (instance $e (export "run" (func $f))) (export "pie:a/run" (instance $e)))""")
    assert "another type than run: func(input: string)" in await refused(sandboxes(), wasm)


async def test_the_same_bytes_are_the_same_program(sandboxes, guest):
    sandbox = sandboxes()
    one, two = await asyncio.gather(sandbox.load(guest()), sandbox.load(guest()))
    assert one is two
    assert await sandbox.load(guest()) is one


async def test_a_program_is_compiled_once_per_cache_folder(sandboxes, guest, tmp_path):
    await sandboxes().load(guest())
    compiled = list((tmp_path / "cache").iterdir())
    program = await sandboxes().load(guest())
    assert list((tmp_path / "cache").iterdir()) == compiled
    assert await (await program.start(None)).run("x") == Ok("x")


async def test_a_damaged_cache_entry_is_compiled_anew(sandboxes, guest, tmp_path):
    await sandboxes().load(guest())
    (entry,) = (tmp_path / "cache").iterdir()
    content = entry.read_bytes()
    entry.write_bytes(content[:-1] + b"!")
    program = await sandboxes().load(guest())
    assert entry.read_bytes() == content
    assert await (await program.start(None)).run("x") == Ok("x")


async def test_an_entry_that_does_not_fit_this_wasmtime_is_compiled_anew(sandboxes, guest, tmp_path):
    await sandboxes().load(guest())
    (entry,) = (tmp_path / "cache").iterdir()
    key = entry.name.partition("-")[0]
    entry.unlink()
    CompileCache(tmp_path / "cache").store(key, b"intact, but from elsewhere")
    program = await sandboxes().load(guest())
    assert await (await program.start(None)).run("x") == Ok("x")


async def test_a_cache_that_cannot_be_used_only_costs_time_and_warns_once(sandboxes, guest, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    sandbox = sandboxes(tmp_path / "file" / "cache")
    with caplog.at_level(logging.WARNING):
        for name in ("pie:a/run", "pie:b/run"):
            program = await sandbox.load(guest(run=name))
            assert await (await program.start(None)).run("x") == Ok("x")
    assert len(caplog.records) == 1


async def test_compiling_does_not_stop_the_loop(sandboxes, guest):
    functions = "".join(
        f"(func (param i32) (result i32) {'(i32.add (local.get 0) ' * 200} (i32.const 1) {')' * 200})" for _ in range(200)
    )
    wasm = guest(definitions=functions)
    load = asyncio.create_task(sandboxes().load(wasm))
    rounds = 0
    while not load.done():
        await asyncio.sleep(0.001)
        rounds += 1
    assert rounds > 5


def tickers():
    return {thread for thread in threading.enumerate() if thread.name == "pie-epochs"}


async def test_closing_kills_what_runs_and_ends_the_ticker(guest):
    others = tickers()  # of engines that other tests still use
    sandbox = Sandbox([], cache_folder=None)
    instance = await (await sandbox.load(guest("(loop $l (br $l))"))).start(None)
    run = asyncio.create_task(instance.run(""))
    await asyncio.sleep(0.01)
    await sandbox.close()
    await sandbox.close()
    assert run.done()
    assert run.exception() is not None
    assert tickers() <= others


async def test_nothing_loads_or_starts_after_closing(guest):
    sandbox = Sandbox([], cache_folder=None)
    program = await sandbox.load(guest())
    await sandbox.close()
    for late in (sandbox.load(guest()), program.start(None)):
        with pytest.raises(RuntimeError, match="closed"):
            await late


async def test_guests_still_pause_after_the_ticker_slept(sandboxes, guest):
    program = await sandboxes().load(guest("(loop $l (br $l))"))
    time.sleep(0.3)  # noqa: ASYNC251 - the loop stands still, so no guest runs and the ticker falls asleep
    instance = await program.start(None)
    run = asyncio.create_task(instance.run(""))
    await asyncio.sleep(0.05)
    instance.kill()
    await asyncio.wait([run])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_components_never_harm_the_process(guest, data):
    wasm = bytearray(guest("(call $note (i32.const 7))", functions={"note": ('(param "n" u32)', "(param i32)")}))
    for _ in range(data.draw(st.integers(1, 4))):
        wasm[data.draw(st.integers(8, len(wasm) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(8, len(wasm)) | st.just(len(wasm)))
    asyncio.run(_load_or_refuse(bytes(wasm[:cut])))


async def _load_or_refuse(wasm):
    sandbox = Sandbox([Interface("t:t/host@0.1.0", {"note": lambda *_: None})], cache_folder=None)
    try:
        await sandbox.load(wasm)
    except ProgramError:
        pass
    finally:
        await sandbox.close()
