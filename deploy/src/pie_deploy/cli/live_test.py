"""`pie lease run`: a live test. Its events are lines of JSON on stdout."""

import asyncio
import signal
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from pie_deploy.cli.client import connect, error_of
from pie_deploy.cli.component.packing import pack, read_manifest
from pie_deploy.cli.exits import FAILED, INTERRUPTED
from pie_deploy.cli.options import JsonErrors, RuntimeRef
from pie_deploy.cli.screen import show_line
from pie_deploy.cli.verbs import tell_error
from pie_deploy.errors import Detail, LiveTestFailedError, Refusal
from pie_deploy.live_test import Api, Event, Packed, run_live_test


def run(
    test: Annotated[Path, typer.Option("--test", metavar="FILE", help="The test's manifest, in YAML.")],
    runtime: RuntimeRef = None,
    keep_lease: Annotated[bool, typer.Option("--keep-lease", help="Leave everything as it is afterwards, to look at it.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where to put what is collected.")] = None,
    as_json: JsonErrors = False,
) -> None:
    """Prove a candidate: publish and deploy it in a lease of its own, send, expect, collect, roll back.

    Prints a line of JSON per event, the result last, and on stderr why it did not pass; exits with 0 when the test passed, with 1
    when not. Whatever happens, also on Ctrl-C and SIGTERM, the lease is closed. For example: pie lease run --test=test.yml
    """
    with connect() as client:
        try:
            result = asyncio.run(_result(client, test, runtime, keep_lease, output))
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(INTERRUPTED) from None
    if result["verdict"] != "passed":
        tell(result, as_json=as_json)
        raise typer.Exit(FAILED)


def tell(result: Event, *, as_json: bool) -> None:
    """Why a test has not passed, on stderr: its events are for programs."""
    if "error" in result:
        tell_error(error_of(msgspec.convert(result["error"], Refusal)), as_json=as_json)
        return
    failed = [step for step in result["steps"] if not step["passed"]]
    said = [f"steps[{step['step']}] {step['kind']}: {failure}" for step in failed for failure in step["failures"]]
    error = LiveTestFailedError(f"{result['test']} has failed", [Detail(code="step", message=message) for message in said])
    tell_error(error, as_json=as_json)


def packed(folder: Path) -> Packed:
    return Packed(pack(folder), read_manifest(folder))


async def _result(api: Api, test: Path, runtime: str | None, keep_lease: bool, output: Path | None) -> Event:
    event: Event = {}
    task = asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # Ctrl-C does that by itself
    running = run_live_test(api, test, pack=packed, runtime=runtime, keep_lease=keep_lease, output=output)
    async with aclosing(running) as events:
        async for event in events:
            show_line(event)
    return event
