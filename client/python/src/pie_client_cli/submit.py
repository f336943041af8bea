"""`pie-client submit`: start a process on the engine and follow it."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pie_client_cli.options import ConfigPath, Host, Port, PrivateKeyPath, Username, chosen

if TYPE_CHECKING:
    from pie_client.client import PieClient
    from pie_client_cli.printer import Printer
    from pie_client_cli.program import LocalProgram
    from pie_client_cli.settings import Settings


def submit(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A program, as NAME or NAME@VERSION.")] = None,
    path: Annotated[Path | None, typer.Option("-p", "--path", help="A component, instead of NAME. Needs --manifest.")] = None,
    manifest: Annotated[Path | None, typer.Option("-m", "--manifest", help="The component's Pie.toml.")] = None,
    input_text: Annotated[str | None, typer.Option("--input", metavar="JSON", help="The input, instead of arguments.")] = None,
    detach: Annotated[
        bool, typer.Option("-d", "--detach", "--no-output", help="Print the process's id and leave it running.")
    ] = False,
    interactive: Annotated[bool, typer.Option("-i", "--interactive", help="Send lines of our stdin to the process.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Show messages as they come, in a pipe too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per event.")] = False,
    files: Annotated[Path | None, typer.Option("--files", metavar="FOLDER", help="Save the process's files there.")] = None,
    token_budget: Annotated[int | None, typer.Option("--token-budget", min=0, help="Tokens it may have computed.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Leave out what the process prints.")] = False,
    config: ConfigPath = None,
    host: Host = None,
    port: Port = None,
    username: Username = None,
    private_key_path: PrivateKeyPath = None,
) -> None:
    """Run a program on the engine.

    Arguments after -- are the program's: --some-key value, -k value, or plain values. On a terminal the text is shown as the
    process sends it. In a pipe, stdout carries the return value alone. Ctrl-C ends the process.
    """
    from pie_client_cli.printer import Printer

    arguments = list(context.args)
    if path is not None and name is not None:
        arguments, name = [name, *arguments], None
    submission = Submission(
        settings=chosen(config, host, port, username, private_key_path),
        program=_program(name, path, manifest),
        given=_input(input_text, arguments),
        token_budget=token_budget,
    )
    printer = Printer(
        out=sys.stdout,
        err=sys.stderr,
        streaming=stream or sys.stdout.isatty(),
        as_json=as_json,
        quiet=quiet,
        files=files,
    )
    work = submission.detached(printer) if detach else submission.followed(printer, interactive=interactive)
    raise typer.Exit(asyncio.run(work))


class Submission:
    """What is to be run, and where."""

    def __init__(
        self, *, settings: "Settings", program: "str | LocalProgram", given: dict[str, object], token_budget: int | None
    ) -> None:
        self._settings = settings
        self._program = program
        self._given = given
        self._token_budget = token_budget

    async def detached(self, printer: "Printer") -> int:
        """Start it and leave."""
        from pie_client_cli.session import session

        async with session(self._settings) as client:
            process = await client.launch_process(await self._target(client), self._given, token_budget=self._token_budget)
            await client.close(abruptly=True)  # what has come already is for who attaches
        if printer.as_json:
            printer.note("", event="launched", process_id=process.process_id)
        else:
            print(process.process_id, file=printer.out, flush=True)
        return 0

    async def followed(self, printer: "Printer", *, interactive: bool) -> int:
        """Start it and stay until it ends; the exit status."""
        from pie_client_cli.follow import follow, terminated
        from pie_client_cli.session import session

        async with session(self._settings) as client:
            target = await self._target(client)
            async with await client.launch_process(target, self._given, token_budget=self._token_budget) as process:
                if printer.as_json:
                    printer.note("", event="launched", process_id=process.process_id)
                return await follow(process, printer, interactive=interactive, on_interrupt=lambda: terminated(process, printer))

    async def _target(self, client: "PieClient") -> str:
        """What the engine knows the program as, uploaded if need be."""
        return self._program if isinstance(self._program, str) else await self._program.upload(client)


def _program(name: str | None, path: Path | None, manifest: Path | None) -> "str | LocalProgram":
    if path is None:
        if name is None:
            raise typer.BadParameter("what to run? a NAME, or --path with --manifest")
        return name
    if manifest is None:
        raise typer.BadParameter("--path needs --manifest")
    from pie_client_cli.program import read

    return read(path, manifest)


def _input(text: str | None, arguments: list[str]) -> dict[str, object]:
    from pie_wire.arguments import input_of

    if not all(map(_is_unicode, [text or "", *arguments])):
        raise typer.BadParameter("an argument is not valid UTF-8")
    if text is None:
        return dict(input_of(arguments))
    if arguments:
        raise typer.BadParameter("--input and arguments for the program exclude each other")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"--input is not JSON: {error}") from error
    return value  # type: ignore[no-any-return]  # any JSON is an input; the client passes it on as it is


def _is_unicode(argument: str) -> bool:
    """Python passes bytes of the command line that are no UTF-8 on as halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)
