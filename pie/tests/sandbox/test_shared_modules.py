"""Programs whose modules are cut out, however small, against the same ones as a whole."""

import asyncio
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pie.errors import ProgramError
from pie.limits import SANDBOX_SHARED_MODULES_MAX
from pie.sandbox import shared_modules
from pie.sandbox.interface import Interface, Ok
from pie.sandbox.sandbox import Sandbox

SHOUT = "(i32.store8 (local.get $text) (i32.const 33))"
HOST = Interface("t:t/host@0.1.0", {"note": lambda *_: None})


@pytest.fixture
def all_are_large(monkeypatch):
    monkeypatch.setattr(shared_modules, "SANDBOX_SHARED_CODE_BYTES_MIN", 1)


@pytest.fixture
async def sandbox(tmp_path):
    opened = Sandbox([HOST], cache_folder=tmp_path)
    yield opened
    await opened.close()


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


async def answer(program, text="x"):
    instance = await program.start(None)
    try:
        return await instance.run(text)
    finally:
        instance.close()


def test_small_modules_stay_where_they_are(guest):
    assert shared_modules.find(guest()) == ()


@pytest.mark.usefixtures("all_are_large")
def test_without_modules_a_component_is_the_smaller_for_it_and_what_remains_is_its_own(guest):
    wasm = guest(SHOUT)
    modules = shared_modules.find(wasm)
    rest = shared_modules.without(wasm, modules)
    assert len(modules) == 2
    assert all(wasm[module.start : module.end] not in rest for module in modules)
    assert rest.endswith(wasm[modules[-1].end :])
    assert rest.startswith(wasm[: modules[0].section])


@pytest.mark.usefixtures("all_are_large")
async def test_a_program_without_its_modules_runs_as_it_would_with_them(sandbox, guest, tmp_path):
    assert await answer(await sandbox.load(guest(SHOUT))) == Ok("!")
    assert len(entries(tmp_path)) == 3


@pytest.mark.usefixtures("all_are_large")
async def test_what_programs_have_in_common_is_compiled_once(sandbox, guest, tmp_path):
    first = await sandbox.load(guest())
    one = set(entries(tmp_path))
    second = await sandbox.load(guest(SHOUT))  # the module with the memory is the same
    assert len(set(entries(tmp_path)) - one) == 2
    assert {id(module) for module in first._modules} & {id(module) for module in second._modules}
    assert (await answer(first), await answer(second)) == (Ok("x"), Ok("!"))


@pytest.mark.usefixtures("all_are_large")
async def test_programs_that_come_together_wait_for_what_they_have_in_common(sandbox, guest, tmp_path):
    bodies = ["", SHOUT, SHOUT * 2, SHOUT * 3]
    programs = await asyncio.gather(*(sandbox.load(guest(body)) for body in bodies))
    assert len(entries(tmp_path)) == 1 + 2 * len(bodies)
    assert len({id(module) for program in programs for module in program._modules}) == 1 + len(bodies)


@pytest.mark.usefixtures("all_are_large")
async def test_a_damaged_module_in_the_cache_is_compiled_anew(guest, tmp_path, caplog):
    expected = None
    for _ in range(2):
        sandbox = Sandbox([], cache_folder=tmp_path)
        assert await answer(await sandbox.load(guest())) == Ok("x")
        await sandbox.close()
        expected = expected or entries(tmp_path)
        for path in tmp_path.iterdir():
            path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert entries(tmp_path) == expected
    assert len([record for record in caplog.records if "is damaged" in record.message]) == 3


@pytest.mark.usefixtures("all_are_large")
async def test_a_program_with_a_module_whose_code_is_not_valid_is_refused(sandbox, guest):
    wasm = bytearray(guest("(drop (i32.add (i32.const 111) (i32.const 112)))"))
    wasm[wasm.index(b"\x41\xef\0\x41\xf0\0\x6a") + 6] = 0x7C  # i64.add
    with pytest.raises(ProgramError, match="is no valid WebAssembly component"):
        await sandbox.load(bytes(wasm))


@pytest.mark.usefixtures("all_are_large")
async def test_a_module_of_another_program_cannot_be_asked_for(sandbox, guest, component):
    wasm = guest()
    await sandbox.load(wasm)
    for module in shared_modules.find(wasm):
        with pytest.raises(ProgramError, match=module.name):
            await sandbox.load(component(f'(component (import "{module.name}" (core module)) {_RUN})'))


_RUN = """
  (core module $m (memory (export "m") 1) (func (export "f") (param i32 i32) (result i32) (unreachable))
    (func (export "r") (param i32 i32 i32 i32) (result i32) (unreachable)))
  (core instance $i (instantiate $m))
  (func $f (param "input" string) (result (result string (error string)))
    (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r"))))
  (instance $e (export "run" (func $f))) (export "pie:a/run" (instance $e))"""


@pytest.mark.usefixtures("all_are_large")
async def test_a_module_that_is_there_twice_is_cut_out_once(sandbox, component):
    twice = '(core module (func (export "f"))) (core module (func (export "f")))'
    wasm = component(f"(component {twice} {_RUN})")
    assert len(shared_modules.find(wasm)) == 2
    await sandbox.load(wasm)


@pytest.mark.usefixtures("all_are_large")
def test_of_a_hostile_number_of_modules_a_few_are_cut_out(component):
    modules = "".join(f"(core module (func (drop (i32.const {index}))))" for index in range(100))
    assert len(shared_modules.find(component(f"(component {modules})"))) == SANDBOX_SHARED_MODULES_MAX


@pytest.mark.usefixtures("all_are_large")
async def test_a_component_with_numbered_types_of_its_own_stays_whole(sandbox, component):
    wasm = component(f"(component (core type $t (func)) {_RUN})")
    assert shared_modules.find(wasm) == ()
    await sandbox.load(wasm)


@pytest.mark.usefixtures("all_are_large")
async def test_a_module_of_a_later_kind_stays_inside(sandbox, component, caplog):
    wasm = component(f'(component (core module (memory (export "m") i64 1) (func)) {_RUN})')
    with caplog.at_level(logging.DEBUG):
        program = await sandbox.load(wasm)
    assert "as a whole" in caplog.text
    assert program._modules == ()


@pytest.mark.usefixtures("all_are_large")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_components_never_harm_the_process(guest, data):
    wasm = bytearray(guest("(call $note (i32.const 7))", functions={"note": ('(param "n" u32)', "(param i32)")}))
    for _ in range(data.draw(st.integers(1, 4))):
        wasm[data.draw(st.integers(8, len(wasm) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(8, len(wasm)) | st.just(len(wasm)))
    asyncio.run(_load_or_refuse(bytes(wasm[:cut])))


async def _load_or_refuse(wasm):
    sandbox = Sandbox([HOST], cache_folder=None)
    try:
        await sandbox.load(wasm)
    except ProgramError:
        pass
    finally:
        await sandbox.close()
