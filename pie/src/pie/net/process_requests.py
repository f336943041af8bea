"""Requests about processes: launch, attach, terminate, list, and what is sent to them."""

import asyncio
import json
import uuid
from collections.abc import Sequence

from pie.engine.launched import LaunchedProcess
from pie.engine.program import InstalledProgram
from pie.errors import InvalidArgumentError, PieError
from pie.limits import RUN_RESULT_CHARACTERS_MAX, SESSION_RUNS_MAX
from pie.net.caller import Caller
from pie.net.held import NOT_FOUND, PERMISSION_DENIED
from pie.net.incoming import Chunk
from pie.net.outgoing import Postponed
from pie.net.refused import RefusedError
from pie.together import together
from pie_wire.messages import (
    AttachProcess,
    LaunchProcess,
    LaunchProcesses,
    RunProcesses,
    SignalProcess,
    TerminateProcess,
    TransferFile,
)

LAUNCHES_PER_TURN = 16
"""Launches of one request before everybody else has a turn of the loop: about a millisecond."""

Budgets = Sequence[int | None]


async def launch_process(caller: Caller, message: LaunchProcess) -> str:
    program = await _find(caller, message.inferlet)
    launched = _launch(caller, program, message.input, message.token_budget)
    if not message.capture_outputs:
        launched.process.events.keep("last")
        return ""
    caller.hub.held.add(launched).attach(caller.outgoing)
    return launched.process.id


async def launch_processes(caller: Caller, message: LaunchProcesses) -> str:
    """Nothing is heard of them before the answer. If one cannot be launched, those before it run on, and the client may attach to
    them."""
    budgets = _budgets(message.inputs, message.token_budgets)
    program = await _find(caller, message.inferlet)
    launched: list[LaunchedProcess] = []
    postponed = Postponed(caller.outgoing)
    try:
        for text, budget in zip(message.inputs, budgets, strict=True):
            launched.append(one := _launch(caller, program, text, budget))
            if message.capture_outputs:
                caller.hub.held.add(one).attach(postponed)
            else:
                one.process.events.keep("last")
            await _take_turns(launched)
    except (RefusedError, PieError) as error:
        ids = ", ".join(one.process.id for one in launched)
        raise RefusedError(f"{error}; launched before: {ids}" if ids else str(error)) from error
    else:
        for process in list(postponed.processes):
            process.attach(caller.outgoing)
    finally:
        caller.hub.held.release(postponed, properly=True)
    return json.dumps([one.process.id for one in launched])


async def run_processes(caller: Caller, message: RunProcesses) -> None:
    """Answered when all have ended. Until then the session goes on with other requests."""
    budgets = _budgets(message.inputs, message.token_budgets)
    if caller.runs >= SESSION_RUNS_MAX:
        raise RefusedError(f"a connection may have {SESSION_RUNS_MAX} run_processes requests at the same time")
    program = await _find(caller, message.inferlet)
    launched: list[LaunchedProcess] = []
    try:
        for text, budget in zip(message.inputs, budgets, strict=True):
            launched.append(one := _launch(caller, program, text, budget))
            one.process.events.keep("last")
            await _take_turns(launched)
    except BaseException:
        _end(launched)
        raise
    caller.runs += 1
    caller.spawn(_answer_run(caller, message.corr_id, launched))


def attach_process(caller: Caller, message: AttachProcess) -> str:
    caller.hub.held.attach(_id(message.process_id, "Invalid process_id"), caller.username, caller.outgoing)
    return "Process attached"


def terminate_process(caller: Caller, message: TerminateProcess) -> str:
    process = caller.hub.engine.process(_id(message.process_id, "Invalid process ID"))
    if process is None:
        raise RefusedError(NOT_FOUND)
    if process.username != caller.username and not caller.is_operator:
        raise RefusedError(PERMISSION_DENIED)
    caller.hub.engine.terminate(process.id)
    return "Process terminated"


def signal_process(caller: Caller, message: SignalProcess) -> str:
    launched = _attached(caller, message.process_id)
    try:
        launched.signal(message.message)
    except InvalidArgumentError as error:
        raise RefusedError(f"the signal was dropped: {error.message}") from error
    return "Signal sent"


def transfer_file(caller: Caller, message: TransferFile) -> str | None:
    launched = _attached(caller, message.process_id)
    chunk = Chunk(message.chunk_index, message.total_chunks, message.chunk_data)
    data = caller.files.add((launched.process.id, message.file_hash, message.corr_id), chunk, message.file_hash)
    if data is None:
        return None
    if not launched.put_file(data, message.name):
        raise RefusedError("the file was dropped: the process has too many unread files, or has ended")
    return "File sent"


async def _answer_run(caller: Caller, corr_id: int, launched: list[LaunchedProcess]) -> None:
    try:
        caller.outgoing.answer(corr_id, ok=True, result=json.dumps(await _results(launched)))
    except RefusedError as error:
        caller.outgoing.answer(corr_id, ok=False, result=str(error))
    finally:
        caller.runs -= 1
        _end(launched)


async def _results(launched: Sequence[LaunchedProcess]) -> list[str]:
    """What all return, in their order. Raises `RefusedError` with the text of the first that fails."""
    texts = await together([_result(one) for one in launched])
    size = sum(map(len, texts))
    if size > RUN_RESULT_CHARACTERS_MAX:
        raise RefusedError(f"the results have {size} characters, too many for one answer; use launch_processes")
    return texts


async def _result(launched: LaunchedProcess) -> str:
    outcome = await launched.outcome()
    if outcome.kind == "error":
        raise RefusedError(outcome.value)
    return outcome.value


def _end(launched: Sequence[LaunchedProcess]) -> None:
    """Nobody will know what they return."""
    for one in launched:
        one.terminate()


async def _find(caller: Caller, target: str) -> InstalledProgram:
    return await caller.hub.engine.library.find(caller.owner, target)


def _launch(caller: Caller, program: InstalledProgram, input_text: str, budget: int | None) -> LaunchedProcess:
    return caller.hub.engine.launch(program, input_text, caller.username, token_budget=budget)


async def _take_turns(launched: Sequence[LaunchedProcess]) -> None:
    """Now and then, let everybody else have a turn."""
    if len(launched) % LAUNCHES_PER_TURN == 0:
        await asyncio.sleep(0)


def _budgets(inputs: Sequence[str], budgets: Budgets | None) -> Budgets:
    if budgets is None:
        return [None] * len(inputs)
    if len(budgets) != len(inputs):
        raise RefusedError(f"token_budgets length {len(budgets)} does not match inputs length {len(inputs)}")
    return budgets


def _attached(caller: Caller, process_id: str) -> LaunchedProcess:
    held = caller.hub.held.get(process_id)
    if held is None or held.attachment is not caller.outgoing or held.launched is None:
        raise RefusedError("no such process is attached to this connection")
    return held.launched


def _id(text: str, problem: str) -> str:
    """The canonical form of a process's id. Raises `RefusedError`."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise RefusedError(problem) from error
