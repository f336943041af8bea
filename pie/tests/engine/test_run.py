"""Every process gets exactly one terminal event, and its things are freed, however it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from pie.engine.run import INTERNAL, TERMINATED, conclude, run_process
from pie.errors import GuestError
from pie.host.guest import Guest
from pie.host.inbox import Inbox
from pie.host.outbox import Outbox
from pie.host.served import ServedModel
from pie.processes.events import EventQueue, ProcessEvent
from pie.processes.process import Process
from pie.sandbox.interface import Err, GuestExit, Ok
from pie.sandbox.program import Program
from pie.wasi.state import WasiState

Body = Callable[[], Awaitable[Ok | Err]]


class FakeProgram:
    """Its instances do as `body` says."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.instances_open = 0

    async def start(self, _: object) -> "FakeProgram":
        self.instances_open += 1
        return self

    async def run(self, _: str) -> Ok | Err:
        return await self.body()

    def close(self) -> None:
        self.instances_open -= 1


class FakeModel:
    """A served model, and its scheduler."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.scheduler = self
        self.is_broken = is_broken
        self.released: list[str] = []

    def release_owner(self, owner: str) -> None:
        self.released.append(owner)
        if self.is_broken:
            raise RuntimeError("the pages are in disorder")


async def ended(body: Body, model: FakeModel, *, cancel_after_turns: int | None = None) -> tuple[Process, ProcessEvent]:
    outbox = Outbox(queue := EventQueue(100, 100_000))
    process = Process("p", "program@1.0.0", "user", "{}", 0, queue)
    guest = Guest(process, cast("WasiState", None), {"m": cast("ServedModel", model)}, outbox, Inbox())
    program = FakeProgram(body)
    task = asyncio.create_task(run_process(guest, cast("Program", program), asyncio.Semaphore(1), None))
    task.add_done_callback(lambda done: conclude(guest, done))
    if cancel_after_turns is not None:
        for _ in range(cancel_after_turns):
            await asyncio.sleep(0)
        task.cancel()
    event = await outbox.take()
    assert event is not None
    assert await outbox.take() is None
    assert program.instances_open == 0
    assert model.released == ["p"]
    assert process.value == event.value
    return process, event


async def returns() -> Ok:
    return Ok("done")


async def waits() -> Ok:
    await asyncio.sleep(3600)
    return Ok("never")


def fails_with(error: BaseException) -> Body:
    async def body() -> Ok:
        raise error

    return body


async def test_what_the_program_returns_is_the_terminal_event() -> None:
    process, event = await ended(returns, FakeModel())
    assert (process.state, event) == ("returned", ProcessEvent("return", "done"))


async def test_the_error_arm_and_errors_of_the_sandbox_are_the_programs_failure() -> None:
    async def error_arm() -> Err:
        return Err("my words")

    for body in (error_arm, fails_with(GuestError("my words"))):
        process, event = await ended(body, FakeModel())
        assert (process.state, event) == ("failed", ProcessEvent("error", "my words"))


async def test_a_program_that_exits_has_returned_nothing_or_failed() -> None:
    assert (await ended(fails_with(GuestExit(0)), FakeModel()))[1] == ProcessEvent("return", "")
    assert "exit code 3" in (await ended(fails_with(GuestExit(3)), FakeModel()))[1].value


async def test_a_bug_of_the_engine_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    process, event = await ended(fails_with(RuntimeError("a secret")), FakeModel())
    assert (process.state, event.value) == ("failed", INTERNAL)
    assert "a secret" in caplog.text


@pytest.mark.parametrize("turns", [0, 1, 5])
async def test_a_process_may_be_terminated_at_any_moment_even_before_it_begins(turns: int) -> None:
    process, event = await ended(waits, FakeModel(), cancel_after_turns=turns)
    assert (process.state, event.value) == ("terminated", TERMINATED)


async def test_pages_that_cannot_be_freed_do_not_hold_back_the_terminal_event(caplog: pytest.LogCaptureFixture) -> None:
    _, event = await ended(returns, FakeModel(is_broken=True))
    assert event.value == "done"
    assert "in disorder" in caplog.text
