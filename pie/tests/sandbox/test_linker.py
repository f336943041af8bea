import pytest

from pie.errors import GuestError, ProgramError
from pie.sandbox.interface import Interface, Ok
from pie.sandbox.sandbox import Sandbox

NOTE = {"note": ('(param "n" u32)', "(param i32)")}
CALL = "(call $note (i32.const 7))"


async def run(wasm, interfaces, state=None):
    sandbox = Sandbox(interfaces, cache_folder=None)
    try:
        instance = await (await sandbox.load(wasm)).start(state)
        return await instance.run("")
    finally:
        await sandbox.close()


@pytest.mark.parametrize("asked", ["wasi:io/poll@0.2.0", "wasi:io/poll@0.2.9", "wasi:io/poll@0.2.12", "wasi:io/poll@0.2.99"])
async def test_a_compatible_version_of_an_interface_is_served(guest, asked):
    notes = []
    wasm = guest(CALL, functions=NOTE, name=asked)
    await run(wasm, [Interface("wasi:io/poll@0.2.9", {"note": lambda _, n: notes.append(n)})])
    assert notes == [7]


@pytest.mark.parametrize("asked", ["wasi:io/poll@0.3.0", "wasi:io/poll@1.0.0", "wasi:io/poll", "wasi:io/streams@0.2.9"])
async def test_another_interface_is_not(guest, asked):
    with pytest.raises(ProgramError, match=asked):
        await run(guest(CALL, functions=NOTE, name=asked), [Interface("wasi:io/poll@0.2.9", {"note": lambda *_: None})])


async def test_all_interfaces_that_nobody_provides_are_named(component):
    imports = "".join(f'(import "{name}" (instance (export "f" (func))))' for name in ("a:a/one", "b:b/two@1.0.0"))
    run_export = """
      (core module $m (memory (export "m") 1) (func (export "f") (param i32 i32) (result i32) (unreachable))
        (func (export "r") (param i32 i32 i32 i32) (result i32) (unreachable)))
      (core instance $i (instantiate $m))
      (func $f (param "input" string) (result (result string (error string)))
        (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r"))))
      (instance $e (export "run" (func $f))) (export "pie:a/run" (instance $e))"""
    with pytest.raises(ProgramError, match=r"a:a/one, b:b/two@1\.0\.0"):
        await run(component(f"(component {imports} {run_export})"), [])


async def test_a_function_that_the_interface_lacks_traps_by_name_when_it_is_called(guest):
    host = [Interface("t:t/host@0.1.0", {})]
    assert await run(guest(functions=NOTE), host) == Ok("")
    with pytest.raises(GuestError, match=r"called t:t/host@0\.1\.0 note, which this engine does not provide"):
        await run(guest(CALL, functions=NOTE), host)


async def test_an_interface_of_types_only_needs_no_provider(guest):
    declarations = '(type $r (record (field "x" u32))) (export "point" (type $point (eq $r)))'
    assert await run(guest(declarations=declarations), []) == Ok("")


async def test_a_resource_that_nobody_has_a_class_for_is_refused(guest):
    wasm = guest(declarations='(export "thing" (type $thing (sub resource)))')
    with pytest.raises(ProgramError, match="the resource 'thing' of t:t/host"):
        await run(wasm, [Interface("t:t/host@0.1.0", {})])


async def test_a_host_function_that_cannot_take_the_arguments_is_refused_at_loading(guest):
    with pytest.raises(ProgramError, match="note with 1 arguments"):
        await run(guest(CALL, functions=NOTE), [Interface("t:t/host@0.1.0", {"note": lambda _: None})])


async def test_a_later_component_model_s_types_are_refused_at_loading(guest):
    functions = {"note": ('(param "n" (future u32))', "(param i32)")}
    with pytest.raises(ProgramError):
        await run(guest(functions=functions), [Interface("t:t/host@0.1.0", {"note": lambda *_: None})])


class Thing:
    pass


THING = '(export "thing" (type $thing (sub resource)))'
MAKE = {"make": ("(result (own $thing))", "(result i32)")}


async def test_a_class_in_two_interfaces_is_one_resource_type(component):
    taken = []
    wasm = component("""(component
      (import "t:t/one" (instance $one (export "thing" (type $thing (sub resource))) (export "make" (func (result (own $thing))))))
      (alias export $one "thing" (type $thing))
      (import "t:t/two" (instance $two (export "thing" (type $same (eq $thing)))
        (export "look" (func (param "it" (borrow $same)))) (export "take" (func (param "it" (own $same))))))
      (core func $make (canon lower (func $one "make")))
      (core func $look (canon lower (func $two "look")))
      (core func $take (canon lower (func $two "take")))
      (core module $m
        (import "h" "make" (func $make (result i32)))
        (import "h" "look" (func $look (param i32)))
        (import "h" "take" (func $take (param i32)))
        (memory (export "m") 1)
        (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "f") (param i32 i32) (result i32) (local $it i32)
          (local.set $it (call $make))
          (call $look (local.get $it)) (call $look (local.get $it)) (call $take (local.get $it))
          (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance
        (export "make" (func $make)) (export "look" (func $look)) (export "take" (func $take))))))
      (func $f (param "input" string) (result (result string (error string)))
        (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r"))))
      (instance $e (export "run" (func $f))) (export "pie:a/run" (instance $e)))""")
    made = Thing()
    one = Interface("t:t/one", {"make": lambda _: made}, {"thing": Thing})
    two = Interface("t:t/two", {"look": lambda _, it: taken.append(it), "take": lambda _, it: taken.append(it)}, {"thing": Thing})
    assert await run(wasm, [one, two]) == Ok("")
    assert taken == [made] * 3


async def test_an_object_of_no_resource_class_cannot_be_given_out(guest):
    wasm = guest("(drop (call $make))", functions=MAKE, declarations=THING)
    with pytest.raises(GuestError, match="str is no resource"):
        await run(wasm, [Interface("t:t/host@0.1.0", {"make": lambda _: "text"}, {"thing": Thing})])


async def test_an_object_of_a_derived_class_can(guest):
    class Special(Thing):
        pass

    wasm = guest("(drop (call $make))", functions=MAKE, declarations=THING)
    assert await run(wasm, [Interface("t:t/host@0.1.0", {"make": lambda _: Special()}, {"thing": Thing})]) == Ok("")
