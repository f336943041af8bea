"""Follows a process to its end: shows its events, passes on what is typed, and ends it or lets go of it at Ctrl-C."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pie_client.errors import PieClientError, RefusedError
from pie_client.events import Event
from pie_client.lines import lines_of
from pie_client.process import Process
from pie_client_cli.printer import Printer

FAILED = 1
INTERRUPTED = 130
RETRY_PAUSE_S = 0.05
"""Before a line is sent again that the engine refused because too many lie unread."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def follow(process: Process, printer: Printer, *, interactive: bool, on_interrupt: Callable[[], Awaitable[bool]]) -> int:
    """The exit status. `on_interrupt` is called at the first Ctrl-C; if it says so, the end of the process is waited for. A second
    Ctrl-C ends the command at once."""
    following = asyncio.create_task(_show(process, printer))
    feeding = asyncio.create_task(_feed(process)) if interactive else None
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _interrupt, interrupted)
    interruption = asyncio.create_task(interrupted.wait())
    try:
        await asyncio.wait({following, interruption}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            return following.result()
        if await on_interrupt():
            await following
        return INTERRUPTED
    finally:
        for task in (following, feeding, interruption):
            if task is not None:
                task.cancel()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def terminated(process: Process, printer: Printer) -> bool:
    """End the process. Whether its last event can be waited for."""
    try:
        await process.terminate()
    except PieClientError as error:
        if not process.ended:
            printer.note(f"pie-client: {error}", event="note", value=str(error))
        return process.ended
    return True


def _interrupt(interrupted: asyncio.Event) -> None:
    if interrupted.is_set():
        os._exit(INTERRUPTED)
    interrupted.set()


async def _show(process: Process, printer: Printer) -> int:
    status = FAILED
    async for event in process:
        printer.show(event)
        if event.event is Event.Return:
            status = 0
    return status


async def _feed(process: Process) -> None:
    if sys.stdin is None:  # closed by our caller
        return
    with suppress(PieClientError):  # it is told where the events are awaited
        async for line in lines_of(sys.stdin.fileno()):
            await _send(process, line)


async def _send(process: Process, line: str) -> None:
    """Not faster than the process takes them: a line that was refused is sent again."""
    while not process.ended:
        try:
            await process.signal(line, confirm=True)
        except RefusedError:
            await asyncio.sleep(RETRY_PAUSE_S)
        else:
            return
