"""One run of a program, from admission to the terminal event.

    admission ▶ instantiate ▶ call `run` ▶ everything the process held is freed ▶ terminal event

`run_process` is the body of a task, `conclude` its end: a callback of the task, so that it is also called for one that was
cancelled before it began. Whatever happens, the process gets exactly one terminal event.
"""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from pie.engine.scratch import scratch_of
from pie.errors import GuestError, PieError
from pie.host.guest import Guest
from pie.host.served import ServedModel
from pie.processes.events import ProcessEvent
from pie.processes.process import ProcessAction
from pie.sandbox.interface import Err, GuestExit, Ok
from pie.sandbox.program import Program

log = logging.getLogger(__name__)

TERMINATED = "the process was terminated"
INTERNAL = "internal error of the engine; its log has the details"


async def run_process(guest: Guest, program: Program, admission: asyncio.Semaphore, scratch_parent: Path | None) -> str:
    """What the program returns. Raises `GuestError` if it fails in any way. Cancelling this terminates the process.

    `scratch_parent` is where the process's `/scratch` is made; None: it has none.
    """
    async with admission:
        guest.process.apply("admit")
        async with scratch_of(guest, scratch_parent):
            return await _call(guest, program)


def conclude(guest: Guest, run: "asyncio.Task[str]") -> None:
    """End the process as the task of its `run_process` has ended."""
    process = guest.process
    action, event = _ending(guest, run)
    process.apply(action)
    process.value = event.value
    try:
        release(process.id, guest.models.values())
    except Exception:  # whoever waits for the terminal event must get it all the same
        log.exception("what process %s (%s) held could not be freed", process.id, process.program)
    guest.outbox.end(event)


def release(owner: str, models: Iterable[ServedModel]) -> None:
    """Free every context that the process still holds, on every model."""
    for model in models:
        model.scheduler.release_owner(owner)


async def _call(guest: Guest, program: Program) -> str:
    instance = await program.start(guest)
    guest.process.apply("start")
    try:
        return _returned(await instance.run(guest.process.input))
    except GuestExit as left:
        if left.code == 0:
            return ""
        raise GuestError(f"the program ended itself with exit code {left.code}") from left
    finally:
        instance.close()


def _returned(result: Ok | Err) -> str:
    if isinstance(result, Err):
        raise GuestError(str(result.value))
    return str(result.value)


def _ending(guest: Guest, run: "asyncio.Task[str]") -> tuple[ProcessAction, ProcessEvent]:
    if run.cancelled():
        return "terminate", ProcessEvent("error", TERMINATED)
    error = run.exception()
    if error is None:
        return "succeed", ProcessEvent("return", run.result())
    if isinstance(error, PieError):
        return "fail", ProcessEvent("error", error.message)
    log.error("process %s (%s) failed inside the engine", guest.process.id, guest.process.program, exc_info=error)
    return "fail", ProcessEvent("error", INTERNAL)
