"""`pie run`: one program, once, on an engine of its own."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pie.processes.events import TERMINAL, ProcessEvent
from pie.together import both

if TYPE_CHECKING:
    from pie.config.config import Config
    from pie.config.home import Home
    from pie.engine.engine import Engine
    from pie.engine.launched import LaunchedProcess
    from pie.engine.program import InstalledProgram
    from pie.programs.resolved import ResolvedProgram
    from pie_cli.printer import Printer
    from pie_cli.progress import Progress

Say = Callable[[str], None]
Find = Callable[["Engine", Say], Coroutine[Any, Any, "InstalledProgram"]]
"""Finds the program and makes it ready on the engine; is told where to report what takes time."""

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A program's name, a folder, or a .py file.")] = None,
    path: Annotated[Path | None, typer.Option("-p", "--path", help="A component, instead of NAME. Needs --manifest.")] = None,
    manifest: Annotated[Path | None, typer.Option("-m", "--manifest", help="The component's Pie.toml.")] = None,
    config_path: Annotated[Path | None, typer.Option("-c", "--config", help="Another configuration file.")] = None,
    input_text: Annotated[str | None, typer.Option("--input", metavar="JSON", help="The input, instead of arguments.")] = None,
    relay_stdout: Annotated[bool, typer.Option("--stdout", help="Show what the program prints on our stdout.")] = False,
    interactive: Annotated[
        bool, typer.Option("-i", "--interactive", help="Send lines of our stdin to the program's session.receive.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with everything.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, and nothing that the program prints.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Log what the engine does.")] = False,
) -> None:
    """Run a program.

    Other options and arguments are the program's: --some-key value, -k value, or plain values; after -- everything is.
    On a terminal the text is shown as the program sends it. In a pipe, stdout carries the return value alone.
    """
    from pie.config import file, home
    from pie_cli.printer import Printer
    from pie_cli.progress import Progress

    arguments = list(context.args)
    if path is not None and name is not None:
        arguments, name = [name, *arguments], None
    program_input = _input(input_text, arguments)
    here = home.from_environment()
    config = file.load(here, config_path)
    find = _finder(name, path, manifest, here)
    _log(debug)
    printer = Printer(
        out=sys.stdout,
        err=sys.stderr,
        streaming=sys.stdout.isatty(),
        relay_stdout=relay_stdout,
        quiet=quiet,
        as_json=as_json,
    )
    with Progress(quiet=quiet) as progress:
        run_once = Run(find=find, input_text=program_input, printer=printer, progress=progress, interactive=interactive)
        raise typer.Exit(asyncio.run(run_once.on(config, here)))


def _input(text: str | None, arguments: list[str]) -> str:
    """The program's input as JSON text."""
    from pie_wire.arguments import input_of

    if not all(map(_is_unicode, [text or "", *arguments])):
        raise typer.BadParameter("an argument is not valid UTF-8")
    if text is None:
        return json.dumps(input_of(arguments))
    if arguments:
        raise typer.BadParameter("--input and arguments for the program exclude each other")
    try:
        json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"--input is not JSON: {error}") from error
    return text


def _is_unicode(argument: str) -> bool:
    """Python passes bytes of the command line that are no UTF-8 on as halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)


def _finder(name: str | None, path: Path | None, manifest: Path | None, home: "Home") -> Find:
    from pie.programs import resolve

    if path is not None:
        if manifest is None:
            raise typer.BadParameter("--path needs --manifest")
        component, description = path, manifest
        return lambda engine, say: _install(engine, lambda: resolve.from_files(component, description), say)
    if name is None:
        raise typer.BadParameter("what to run? a NAME, a folder, a .py file, or --path with --manifest")
    target = name
    return lambda engine, say: _find(engine, target, home, say)


async def _find(engine: "Engine", target: str, home: "Home", say: Say) -> "InstalledProgram":
    """Source that is here, or whatever the engine knows by that name."""
    from pie.engine.library import SHARED
    from pie.programs import resolve

    source = resolve.local_source(target)
    if source is not None and (source.exists() or not resolve.may_be_in_a_registry(target)):
        return await _install(engine, lambda: resolve.from_source(source, home.built, say), say)
    say(f"loading {target} and the model")
    return await engine.library.find(SHARED, target, say)


async def _install(engine: "Engine", make: Callable[[], "ResolvedProgram"], say: Say) -> "InstalledProgram":
    program = await asyncio.to_thread(make)
    say(f"loading {program.id} and the model")
    return await engine.install(program)


def _log(debug: bool) -> None:
    import logging

    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="pie: %(levelname)s %(name)s: %(message)s")


class Run:
    """One run: the model loads while the program is found, built and compiled."""

    def __init__(self, *, find: Find, input_text: str, printer: "Printer", progress: "Progress", interactive: bool) -> None:
        self._find = find
        self._input_text = input_text
        self._printer = printer
        self._progress = progress
        self._interactive = interactive
        self._launched: LaunchedProcess | None = None
        self._interrupts = 0

    async def on(self, config: "Config", home: "Home") -> int:
        """The exit code. Raises what the engine raises."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt, task)
        try:
            return await self._run(config, home)
        except asyncio.CancelledError:
            return EXIT_INTERRUPTED

    def _interrupt(self, task: asyncio.Task[int]) -> None:
        """First the process is asked to end; whoever insists gets out at once (the worker notices that we are gone)."""
        self._interrupts += 1
        if self._interrupts > 1:
            self._progress.done()
            os._exit(EXIT_INTERRUPTED)
        if self._launched is not None:
            self._launched.terminate()
        else:
            self._progress.say("stopping as soon as this step is done; Ctrl-C again stops at once")
            task.cancel()

    async def _run(self, config: "Config", home: "Home") -> int:
        from pie.engine.engine import Engine

        engine = Engine(config, home)
        try:
            _, installed = await both(engine.start(), self._find(engine, self._progress.say))
            self._progress.done()
            code = await self._follow(engine.launch(installed, self._input_text))
            await engine.save_contexts()
            return code
        finally:
            await engine.close()

    async def _follow(self, launched: "LaunchedProcess") -> int:
        """Shows the process's events to the end; the exit code."""
        self._launched = launched
        started = time.monotonic()
        feeding = asyncio.create_task(_feed(launched, self._interactive))
        last: ProcessEvent | None = None
        async for last in launched.events():
            if last.kind not in TERMINAL:
                self._printer.show(last)
        feeding.cancel()
        assert last is not None, "every process ends with a terminal event"
        self._printer.finish(last, time.monotonic() - started)
        if self._interrupts:
            return EXIT_INTERRUPTED
        return 0 if last.kind == "return" else EXIT_FAILED


async def _feed(launched: "LaunchedProcess", interactive: bool) -> None:
    """What the process gets to receive: our stdin line by line, as fast as it takes them, or nothing."""
    from pie_client.lines import lines_of

    if interactive and sys.stdin is not None:  # there is none if our caller closed it
        async for line in lines_of(sys.stdin.fileno()):
            await launched.send(line)
    launched.close_input()
