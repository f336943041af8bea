import asyncio
import gc

import pytest

from pie.errors import GuestError, ProgramError
from pie.limits import SandboxLimits
from pie.sandbox.interface import Ok, suspends

WAIT = {"wait": ("", "")}
SPIN = "(loop $again (br $again))"


def resource(methods="", **functions):
    """Keyword arguments for a guest that imports a resource `thing` with a constructor and more."""
    declarations = '(export "thing" (type $thing (sub resource)))'
    return {
        "declarations": declarations,
        "functions": {"[constructor]thing": ("(result (own $thing))", "(result i32)"), **functions},
    }


class Thing:
    def __init__(self, log):
        self._log = log

    def drop(self):
        self._log.append("dropped")


@suspends
def forever(_):
    return asyncio.get_running_loop().create_future()


async def started(program, state=None, **options):
    return await program.start(state, **options)


async def test_an_abort_has_the_guest_s_backtrace(load, guest):
    wasm = guest("(call $deep)", definitions="(func $deep (unreachable))")
    instance = await started(await load(wasm))
    with pytest.raises(GuestError, match="the program aborted itself") as caught:
        await instance.run("")
    assert [line.split(" - ")[1] for line in caught.value.backtrace.splitlines()] == ["guest!deep", "guest!<wasm function 2>"]


async def test_endless_recursion_is_a_stack_overflow_of_the_guest(load, guest):
    instance = await started(await load(guest("(call $deep)", definitions="(func $deep (call $deep) (call $deep))")))
    with pytest.raises(GuestError, match="stack overflow"):
        await instance.run("")


async def test_a_guest_that_failed_cannot_be_called_again(load, guest):
    instance = await started(await load(guest("(unreachable)")))
    for _ in range(2):
        with pytest.raises(GuestError):
            await instance.run("")


async def test_memory_stops_growing_at_the_limit_and_the_guest_is_told(load, guest):
    # Grows by a page until it is refused, and aborts if that was not at 16 pages.
    grow = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))"
    check = "(if (i32.ne (memory.size) (i32.const 16)) (then (unreachable)))"
    program = await load(guest(grow + check))
    instance = await started(program, memory_bytes_max=16 << 16)
    assert await instance.run("fine") == Ok("fine")


async def test_a_guest_whose_first_memory_is_too_large_does_not_start(load, guest):
    program = await load(guest(pages=100))
    with pytest.raises(GuestError, match="memory"):
        await started(program, memory_bytes_max=16 << 16)


async def test_an_abort_while_starting_is_a_guest_error(load, guest):
    program = await load(guest(start="(unreachable)"))
    with pytest.raises(GuestError, match="aborted"):
        await started(program)


async def test_a_guest_may_wait_for_the_host_while_starting(load, guest):
    async def wait(_):
        await asyncio.sleep(0)

    instance = await started(await load(guest(functions=WAIT, start="(call $wait)"), {"wait": wait}))
    assert await instance.run("up") == Ok("up")


async def test_killing_a_waiting_guest_cancels_what_it_waits_for(load, guest):
    futures = []

    @suspends
    def wait(_):
        futures.append(asyncio.get_running_loop().create_future())
        return futures[0]

    instance = await started(await load(guest("(call $wait)", functions=WAIT), {"wait": wait}))
    run = asyncio.create_task(instance.run(""))
    await asyncio.sleep(0.01)
    instance.kill()
    with pytest.raises(GuestError, match="stopped"):
        await run
    assert futures[0].cancelled()


async def test_killing_with_an_error_raises_it_in_the_call(load, guest):
    instance = await started(await load(guest("(call $wait)", functions=WAIT), {"wait": forever}))
    run = asyncio.create_task(instance.run(""))
    await asyncio.sleep(0.01)
    instance.kill(TimeoutError("too slow"))
    with pytest.raises(TimeoutError, match="too slow"):
        await run


async def test_a_spinning_guest_can_be_killed_and_does_not_stop_the_loop(load, guest):
    instance = await started(await load(guest(SPIN)))
    run = asyncio.create_task(instance.run(""))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not run.done()
    instance.kill()
    with pytest.raises(GuestError):
        await run


async def test_spinning_guests_do_not_keep_others_from_running(load, guest):
    spinning = await load(guest(SPIN))
    others = [await started(spinning) for _ in range(5)]
    runs = [asyncio.create_task(other.run("")) for other in others]
    instance = await started(await load(guest()))
    for _ in range(20):
        assert await instance.run("x") == Ok("x")
        await asyncio.sleep(0)
    for other in others:
        other.kill()
    await asyncio.wait(runs)


async def test_cancelling_the_call_kills_the_guest(load, guest):
    for body, functions in ((SPIN, {}), ("(call $wait)", WAIT)):
        instance = await started(await load(guest(body, functions=functions), {"wait": forever}))
        run = asyncio.create_task(instance.run(""))
        await asyncio.sleep(0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        with pytest.raises(GuestError):
            await instance.run("")


async def test_a_host_function_may_kill_its_own_guest(load, guest):
    def wait(instances):
        instances[0].kill()

    program = await load(guest("(call $wait)" + SPIN, functions=WAIT), {"wait": wait})
    instances = []
    instances.append(await started(program, instances))
    with pytest.raises(GuestError, match="stopped"):
        await instances[0].run("")


async def test_closing_twice_and_calling_afterwards_are_harmless(load, guest):
    instance = await started(await load(guest()))
    instance.close()
    instance.close()
    with pytest.raises(GuestError, match="ended"):
        await instance.run("")


async def test_handles_that_are_left_are_dropped_when_the_instance_ends(load, guest):
    log = []
    options = resource()
    program = await load(
        guest("(drop (call $-constructor-thing))" * 3, **options),
        {"[constructor]thing": lambda _: Thing(log)},
        resources={"thing": Thing},
    )
    instance = await started(program)
    await instance.run("")
    assert log == []
    instance.close()
    assert log == ["dropped"] * 3


async def test_a_guest_that_leaks_handles_is_trapped_at_the_limit(load, guest):
    body = "(loop $more (drop (call $-constructor-thing)) (br $more))"
    program = await load(
        guest(body, **resource()),
        {"[constructor]thing": lambda _: Thing([])},
        resources={"thing": Thing},
        limits=SandboxLimits(handles_max=100),
    )
    instance = await started(program)
    with pytest.raises(GuestError, match="holds 100 handles"):
        await instance.run("")


async def test_a_thousand_guests_wait_at_once(load, guest):
    events = []

    @suspends
    def wait(_):
        future = asyncio.get_running_loop().create_future()
        events.append(future)
        return future

    program = await load(guest("(call $wait)", functions=WAIT), {"wait": wait})
    instances = [await started(program) for _ in range(1000)]
    runs = [asyncio.create_task(instance.run(str(index))) for index, instance in enumerate(instances)]
    while len(events) < 1000:
        await asyncio.sleep(0)
    for event in events:
        event.set_result(None)
    assert await asyncio.gather(*runs) == [Ok(str(index)) for index in range(1000)]


async def test_an_instance_keeps_its_program_alive(load, guest):
    program = await load(guest("(call $wait)", functions=WAIT), {"wait": lambda _: None})
    instance = await started(program)
    del program
    gc.collect()
    assert await instance.run("still here") == Ok("still here")


async def test_calling_what_is_not_exported_is_refused(load, guest):
    instance = await started(await load(guest()))
    with pytest.raises(ProgramError, match="exports no function 'walk'"):
        await instance.call("pie:test/run@0.1.0", "walk")


async def test_texts_of_any_size_cross(load, guest):
    instance = await started(await load(guest(pages=200)))
    for text in ("", "ä€😀", "x" * 1_000_000):
        assert await instance.run(text) == Ok(text)
