"""`pie`: finds the verb and runs it. The modules of verbs are imported when they are used, so that the command line starts fast."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from pie.errors import PieError

INTERRUPTED = 130
"""Exit status of a command ended by Ctrl-C, as shells have it."""


VERBS: Mapping[str, str] = {
    "run": "Run a program and print what it returns.",
    "serve": "Serve clients until told to stop.",
    "new": "Make a new program to start from.",
    "build": "Build a program into a component.",
    "auth": "Who may use the server: users, public keys, API keys.",
    "ps": "List the processes of a running server.",
    "top": "Show a running server at work.",
    "kill": "End a process of a running server.",
    "drain": "Let a running server begin nothing new.",
    "reload": "Let a running server read its configuration again.",
    "inferlet": "List, describe and remove installed programs.",
    "model": "List, download and remove models.",
    "config": "Write, show and change the configuration.",
    "check": "Check a configuration file.",
    "doctor": "Check that everything Pie needs is there and works.",
}
"""The verbs of the engine and what they are for. The module `pie_cli.<verb>` has an `app`, a `typer.Typer`."""

VERB_GROUP = "pie.verbs"
"""Entry point group of other distributions' verbs. An entry point names a mapping like `VERBS`; the modules of its verbs lie beside
it.
"""


@dataclass(frozen=True, slots=True)
class Verb:
    module: str
    purpose: str


def find_verbs() -> dict[str, Verb]:
    """Our own verbs and those of installed distributions; nobody takes one of ours away."""
    found = {name: Verb(f"pie_cli.{name}", purpose) for name, purpose in VERBS.items()}
    for point in entry_points(group=VERB_GROUP):
        for name, purpose in point.load().items():
            found.setdefault(name, Verb(f"{point.module}.{name}", purpose))
    return found


class Verbs(TyperGroup):
    """The group of all verbs. Help and suggestions do without importing them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._verbs = find_verbs()
        self.commands = {name: TyperCommand(name, help=verb.purpose) for name, verb in self._verbs.items()}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self._verbs)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else load(self._verbs[name].module), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort) as interrupt:  # a prompt makes an `Abort` of Ctrl-C
            raise typer.Exit(INTERRUPTED) from interrupt
        except PieError as error:
            typer.echo(f"pie: {error}", err=True)
            raise typer.Exit(1) from error


def load(module: str) -> Any:
    """The command of a verb, its module imported."""
    return typer.main.get_command(import_module(module).app)


app = typer.Typer(cls=Verbs, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pie {version('pie-engine')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Pie serves programs, not prompts: small WebAssembly programs that run next to the model."""


def main() -> None:
    app(prog_name="pie")
