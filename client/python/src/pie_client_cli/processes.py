"""`pie-client list`, `attach` and `abort`: what runs already."""

import asyncio
import json
import shutil
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from pie_client_cli.options import ConfigPath, Host, Json, Port, PrivateKeyPath, ProcessPrefix, Username, chosen

if TYPE_CHECKING:
    from pie_client.client import PieClient
    from pie_client.results import ListedProcess
    from pie_client_cli.printer import Printer
    from pie_client_cli.settings import Settings

_ID_LENGTH = 8
"""Characters of an id in the table: enough to tell hundreds of processes apart."""


def list_processes(
    as_json: Json = False,
    everybody: Annotated[bool, typer.Option("--all", help="Those of all users; for operators.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Whole ids, whole inputs.")] = False,
    long: Annotated[bool, typer.Option("--long", hidden=True, help="Eight characters of the id, as always now.")] = False,
    config: ConfigPath = None,
    host: Host = None,
    port: Port = None,
    username: Username = None,
    private_key_path: PrivateKeyPath = None,
) -> None:
    """List your running processes."""
    listed = asyncio.run(_listed(chosen(config, host, port, username, private_key_path), everybody=everybody))
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(listed), indent=2, ensure_ascii=False))
        return
    width = None if full or not sys.stdout.isatty() else shutil.get_terminal_size().columns
    for line in table(listed, full=full):
        typer.echo(line[:width].rstrip())


def attach(
    prefix: ProcessPrefix,
    interactive: Annotated[bool, typer.Option("-i", "--interactive", help="Send lines of our stdin to the process.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Show messages as they come, in a pipe too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per event.")] = False,
    files: Annotated[Path | None, typer.Option("--files", metavar="FOLDER", help="Save the process's files there.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Leave out what the process prints.")] = False,
    config: ConfigPath = None,
    host: Host = None,
    port: Port = None,
    username: Username = None,
    private_key_path: PrivateKeyPath = None,
) -> None:
    """Follow a process that runs already, or take the result of one that has ended. Ctrl-C leaves it running."""
    from pie_client_cli.printer import Printer

    printer = Printer(
        out=sys.stdout, err=sys.stderr, streaming=stream or sys.stdout.isatty(), as_json=as_json, quiet=quiet, files=files
    )
    settings = chosen(config, host, port, username, private_key_path)
    raise typer.Exit(asyncio.run(_attach(settings, prefix, printer, interactive=interactive)))


def abort(
    prefix: ProcessPrefix,
    config: ConfigPath = None,
    host: Host = None,
    port: Port = None,
    username: Username = None,
    private_key_path: PrivateKeyPath = None,
) -> None:
    """End a process."""
    typer.echo(f"ended {asyncio.run(_abort(chosen(config, host, port, username, private_key_path), prefix))}")


def table(processes: Sequence["ListedProcess"], *, full: bool) -> list[str]:
    """Lines with a heading, columns aligned."""
    rows = [("ID", "PROGRAM", "USER", "STATE", "AGE", "TOKENS", "INPUT")]
    rows += [
        (
            process.id if full else process.id[:_ID_LENGTH],
            process.program,
            process.username,
            process.state or "-",
            age(process.elapsed_secs),
            str(process.tokens),
            _printable(process.input),
        )
        for process in processes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows]


def _printable(text: str) -> str:
    """Without what a terminal would obey: the input may be another user's."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def age(elapsed_s: float) -> str:
    """Two parts at most: `7s`, `3m20s`, `5h10m`, `2d3h`."""
    seconds = max(0, int(elapsed_s))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days}d{hours % 24}h"
    if hours:
        return f"{hours}h{minutes % 60}m"
    return f"{minutes}m{seconds % 60}s" if minutes else f"{seconds}s"


async def _listed(settings: "Settings", *, everybody: bool) -> "list[ListedProcess]":
    from pie_client_cli.session import session

    async with session(settings) as client:
        return await client.processes_of_all() if everybody else await client.list_processes()


async def _attach(settings: "Settings", prefix: str, printer: "Printer", *, interactive: bool) -> int:
    from pie_client_cli.follow import follow
    from pie_client_cli.session import session

    async def leave() -> bool:
        printer.note("pie-client: detached; the process runs on", event="detached")
        return False

    async with session(settings) as client:
        process = await client.attach_process(await _id(client, prefix))
        return await follow(process, printer, interactive=interactive, on_interrupt=leave)


async def _abort(settings: "Settings", prefix: str) -> str:
    from pie_client_cli.session import session

    async with session(settings) as client:
        process_id = await _id(client, prefix)
        await client.terminate_process(process_id)
    return process_id


async def _id(client: "PieClient", prefix: str) -> str:
    """A whole id is taken as it is: a process that has ended is not listed, but its result may be kept."""
    from pie_client_cli.session import found

    try:
        return str(uuid.UUID(prefix))
    except ValueError:
        return (await found(client, prefix)).id
