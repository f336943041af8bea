"""The reference of the command line, made from the commands themselves."""

from collections.abc import Iterator
from typing import Any

from pie_cli.main import find_verbs, load

EXAMPLE = "For example: "
"""What follows it, at the end of a command's help, is a command."""


def markdown() -> str:
    """Every verb with its arguments and options."""
    return "\n".join(line for name, verb in find_verbs().items() for line in _command(load(verb.module), f"pie {name}"))


def _command(command: Any, path: str) -> Iterator[str]:
    verbs = getattr(command, "commands", {})
    if not verbs:
        yield from (f"### `{' '.join([path, *_usage(command)])}`", "", _prose(command.help), "")
        yield from _options(command)
    for name, verb in verbs.items():
        yield from _command(verb, f"{path} {name}")


def _usage(command: Any) -> Iterator[str]:
    if any(_is_option(parameter) for parameter in command.params):
        yield "[OPTIONS]"
    for parameter in command.params:
        if not _is_option(parameter):
            name = parameter.metavar or parameter.name.upper()
            yield name if parameter.required or name.startswith("[") else f"[{name}]"


def _options(command: Any) -> Iterator[str]:
    rows = [f"| {_names(parameter)} | {parameter.help} |" for parameter in command.params if parameter.help]
    if rows:
        yield from ("| argument or option | meaning |", "|---|---|", *rows, "")


def _names(parameter: Any) -> str:
    if not _is_option(parameter):
        return f"`{(parameter.metavar or parameter.name.upper()).strip('[]')}`"
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return ", ".join(f"`{name}{value}`" for name in [*parameter.opts, *parameter.secondary_opts])


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _prose(text: str) -> str:
    """As one paragraph; an example at its end is code."""
    said, mark, example = " ".join(text.split()).partition(EXAMPLE)
    return f"{said}{mark}`{example}`" if mark else said
