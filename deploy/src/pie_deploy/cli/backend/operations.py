"""Operations as people read them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from pie_deploy.cli.screen import Columns
from pie_deploy.cli.text import when
from pie_deploy.domain import operations as op
from pie_deploy.domain.operations import Input, Operation, OperationRecord, Output

NO_NAMES: Mapping[str, str] = MappingProxyType({})


def sentence(operation: Operation, names: Mapping[str, str] = NO_NAMES) -> str:
    """What the operation does, on one line: its word, and what it is about.

    names: what people call versions and files, by id.
    """
    operation = _named(operation, names)
    kind = type(operation)
    word = kind.__struct_config__.tag
    return f"{word} {ABOUT[kind](operation)}".rstrip()


def _named(operation: Operation, names: Mapping[str, str]) -> Operation:
    ids: dict[str, str] = {field: getattr(operation, field, None) or "" for field in ("component", "file")}
    return replace(operation, **{field: names[id_] for field, id_ in ids.items() if id_ in names})


def _output(slot: Output) -> str:
    return f"{slot.vertex}.out{slot.position}"


def _input(slot: Input) -> str:
    return f"{slot.vertex}.in{slot.position}"


def _values(parameters: Mapping[str, str]) -> str:
    return "".join(f" {name}={value}" for name, value in parameters.items())


def _vertex(one: op.AddVertex | op.RestoreVertex) -> str:
    return f"{one.vertex}: {one.component or one.transformation}{_values(one.parameters)}"


def _edge(one: op.Connect | op.Disconnect) -> str:
    return f"{_output(one.output)} -> {_input(one.input)}"


ABOUT: Mapping[type[Operation], Callable[[Any], str]] = {
    op.AddVertex: _vertex,
    op.RestoreVertex: _vertex,
    op.DeleteVertex: lambda one: one.vertex,
    op.Connect: _edge,
    op.Disconnect: _edge,
    op.ChangeVersion: lambda one: f"{one.vertex}: {one.component}",
    op.ChangeEndpointAlias: lambda one: f"{one.vertex}.{one.endpoint}: {one.role or '(none)'}",
    op.ChangeParameter: lambda one: f"{one.vertex}.{one.name} = {'(default)' if one.value is None else one.value}",
    op.AddFile: lambda one: f"{one.vertex}.{one.slot}: {one.file}",
    op.RemoveFile: lambda one: f"{one.vertex}.{one.slot}",
    op.RenameVertex: lambda one: f"{one.vertex}: {one.label}",
    op.MoveVertex: lambda one: f"{one.vertex}: {_place(one.position)}",
    op.SetNote: lambda one: f"{one.vertex}: {one.note}",
    op.RenameBackend: lambda one: one.name,
    op.Describe: lambda one: one.description,
    op.RotateEndpoint: lambda one: f"{one.vertex}.{one.endpoint}",
}
"""What follows the word of an operation."""


def _place(position: tuple[float, float] | None) -> str:
    return "(none)" if position is None else f"{position[0]:g}, {position[1]:g}"


def columns(names: Mapping[str, str]) -> Columns[OperationRecord]:
    return Columns(
        {
            "SEQ": lambda record: record.seq,
            "OPERATION": lambda record: sentence(record.operation, names),
            "BY": lambda record: record.actor,
            "AT": lambda record: when(record.at_ns),
            "UNDOES": lambda record: record.undoes,
        },
        least=("UNDOES", "BY", "AT"),
    )
