import asyncio
import logging
from dataclasses import dataclass

import pytest

from pie.errors import GuestError, InvalidArgumentError
from pie.sandbox.interface import GuestExit, GuestFault, GuestTrap, Ok, suspends

ADD = {"add": ('(param "a" u32) (param "b" u32) (result u32)', "(param i32 i32) (result i32)")}
ADD_TWICE = "(drop (call $add (call $add (i32.const 1) (i32.const 2)) (i32.const 4)))"
TRY = {"try": ("(result (result u32 (error string)))", "(param i32)")}
# The arm of the result (0 ok, 1 error) decides: `run` aborts unless it is the one given.
TRY_ONCE = "(call $try (i32.const 0)) (if (i32.ne (i32.load8_u (i32.const 0)) (i32.const {arm})) (then (unreachable)))"
ERROR = '(type $e (record (field "code" string) (field "message" string))) (export "error" (type $error (eq $e)))'
TRY_RECORD = {"try": ("(result (result u32 (error $error)))", "(param i32)")}


async def test_a_host_function_gets_the_instance_s_state_and_the_arguments(load, guest):
    calls = []

    def add(state, a, b):
        calls.append((state, a, b))
        return a + b

    program = await load(guest(ADD_TWICE, functions=ADD), {"add": add})
    instance = await program.start("the state")
    assert await instance.run("hello") == Ok("hello")
    assert calls == [("the state", 1, 2), ("the state", 3, 4)]


async def test_a_function_that_may_suspend_can_answer_at_once(load, guest):
    calls = []

    @suspends
    def add(_, a, b):
        calls.append((a, b))
        return a + b

    instance = await (await load(guest(ADD_TWICE, functions=ADD), {"add": add})).start(None)
    await instance.run("")
    assert calls == [(1, 2), (3, 4)]


async def test_a_future_suspends_the_guest_until_it_is_done(load, guest):
    futures = []

    @suspends
    def add(_, a, b):
        futures.append(asyncio.get_running_loop().create_future())
        return futures[-1]

    instance = await (await load(guest(ADD_TWICE, functions=ADD), {"add": add})).start(None)
    run = asyncio.create_task(instance.run(""))
    await asyncio.sleep(0.01)
    assert len(futures) == 1
    futures[0].set_result(3)
    await asyncio.sleep(0.01)
    assert len(futures) == 2
    futures[1].set_result(7)
    assert await run == Ok("")


async def test_a_finished_future_and_a_coroutine_are_answers_too(load, guest):
    calls = []

    async def add(_, a, b):
        await asyncio.sleep(0)
        calls.append((a, b))
        return a + b

    @suspends
    def done(_, a, b):
        future = asyncio.get_running_loop().create_future()
        future.set_result(a + b)
        calls.append((a, b))
        return future

    for function in (add, done):
        instance = await (await load(guest(ADD_TWICE, functions=ADD), {"add": function})).start(None)
        await instance.run("")
    assert calls == [(1, 2), (3, 4)] * 2


def failing(error, *, how):
    """A host function without parameters that raises, at once or when its future is done."""

    def now(_):
        raise error

    @suspends
    def at_once(_):
        raise error

    async def later(_):
        await asyncio.sleep(0)
        raise error

    return {"sync": now, "at once": at_once, "later": later}[how]


WAYS = pytest.mark.parametrize("how", ["sync", "at once", "later"])


@WAYS
async def test_a_fault_becomes_the_error_arm(load, guest, how):
    wasm = guest(TRY_ONCE.format(arm=1), functions=TRY)
    instance = await (await load(wasm, {"try": failing(GuestFault("no"), how=how)})).start(None)
    assert await instance.run("goes on") == Ok("goes on")


async def test_a_value_becomes_the_ok_arm(load, guest):
    instance = await (await load(guest(TRY_ONCE.format(arm=0), functions=TRY), {"try": lambda _: 7})).start(None)
    assert await instance.run("goes on") == Ok("goes on")


@WAYS
async def test_an_error_of_ours_becomes_an_error_record(load, guest, how):
    wasm = guest(TRY_ONCE.format(arm=1), functions=TRY_RECORD, declarations=ERROR)
    instance = await (await load(wasm, {"try": failing(InvalidArgumentError("no"), how=how)})).start(None)
    assert await instance.run("goes on") == Ok("goes on")


@WAYS
async def test_an_error_of_ours_traps_where_there_is_no_arm_for_it(load, guest, how):
    wasm = guest(TRY_ONCE.format(arm=1), functions=TRY)
    instance = await (await load(wasm, {"try": failing(InvalidArgumentError("not so"), how=how)})).start(None)
    with pytest.raises(GuestError, match="not so"):
        await instance.run("")


@WAYS
async def test_any_other_exception_traps_the_guest_names_the_function_and_is_logged_once(load, guest, how, caplog):
    instance = await (await load(guest(TRY_ONCE.format(arm=0), functions=TRY), {"try": failing(ValueError("odd"), how=how)})).start(
        None
    )
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(GuestError, match=r"t:t/host@0\.1\.0 try failed in the host: ValueError: odd"),
    ):
        await instance.run("")
    assert len(caplog.records) == 1


@WAYS
async def test_a_trap_is_the_guest_s_own_fault_and_not_logged(load, guest, how, caplog):
    instance = await (
        await load(guest(TRY_ONCE.format(arm=0), functions=TRY), {"try": failing(GuestTrap("misuse"), how=how)})
    ).start(None)
    with pytest.raises(GuestError, match="misuse"):
        await instance.run("")
    assert not caplog.records


@WAYS
async def test_an_exit_reaches_whoever_called_the_guest(load, guest, how):
    instance = await (await load(guest(TRY_ONCE.format(arm=0), functions=TRY), {"try": failing(GuestExit(3), how=how)})).start(None)
    with pytest.raises(GuestExit) as caught:
        await instance.run("")
    assert caught.value.code == 3


@pytest.mark.parametrize("value", ["text", None, 1.5, -1, 2**32, [], object()])
async def test_a_result_of_the_wrong_python_type_traps(load, guest, value):
    program = await load(guest(ADD_TWICE, functions=ADD), {"add": lambda *_: value})
    instance = await program.start(None)
    with pytest.raises(GuestError, match="add failed in the host"):
        await instance.run("")


async def test_a_host_function_that_recurses_without_end_does_not_harm_the_process(load, guest):
    def endless(_, a, b):
        return endless(_, b, a)

    instance = await (await load(guest(ADD_TWICE, functions=ADD), {"add": endless})).start(None)
    with pytest.raises(GuestError, match="RecursionError"):
        await instance.run("")


async def test_a_record_is_lifted_to_its_registered_class(load, guest):
    @dataclass
    class Point:
        x: int
        y_axis: int

    seen = []
    declarations = '(type $p (record (field "x" u32) (field "y-axis" u32))) (export "point" (type $point (eq $p)))'
    functions = {"put": ('(param "p" $point)', "(param i32 i32)")}
    wasm = guest("(call $put (i32.const 1) (i32.const 2))", functions=functions, declarations=declarations)
    instance = await (await load(wasm, {"put": lambda _, p: seen.append(p)}, types={"point": Point})).start(None)
    await instance.run("")
    assert seen == [Point(1, 2)]


async def test_a_guest_may_be_called_many_times(load, guest):
    instance = await (await load(guest(ADD_TWICE, functions=ADD), {"add": lambda _, a, b: a + b})).start(None)
    for number in range(20):
        assert await instance.run(str(number)) == Ok(str(number))
