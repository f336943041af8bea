"""`pie-client`: finds the verb and runs it.

Exit status: 0 done; 1 failed, with a line on stderr; 2 wrong usage; 130 ended by Ctrl-C.
"""

import io
import os
import sys
from importlib.metadata import version as version_of
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pie_client_cli import config, install, ping, processes, submit
from pie_client_cli.failure import CommandError

FAILED = 1
INTERRUPTED = 130


class Verbs(TyperGroup):
    """The group of all verbs; turns errors into lines and exit statuses."""

    def invoke(self, ctx: Any) -> Any:
        from pie_client.errors import PieClientError

        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort) as interrupt:
            raise typer.Exit(INTERRUPTED) from interrupt
        except BrokenPipeError as error:  # whoever read our output has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(FAILED) from error
        except (PieClientError, CommandError) as error:
            typer.echo(f"pie-client: {error}", err=True)
            raise typer.Exit(FAILED) from error


app = typer.Typer(cls=Verbs, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
app.command(context_settings={"allow_extra_args": True})(submit.submit)
app.command()(install.install)
app.command("list")(processes.list_processes)
app.command()(processes.attach)
app.command()(processes.abort)
app.command()(ping.ping)
app.add_typer(config.app, name="config")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pie-client {version_of('pie-client')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Run programs on a Pie engine, from anywhere."""


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever a program says can be shown, somehow
            stream.reconfigure(errors="replace")
    app(prog_name="pie-client")
