"""Random operations that mostly fit: numbers become operations on whatever the graph has at that point."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeVar

from graph_fixtures import STAMP, file_type, known_shapes
from hypothesis import strategies as st

from pie_deploy.domain.head import Head
from pie_deploy.domain.inverse import ends_of
from pie_deploy.domain.log import append
from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    Connect,
    DeleteVertex,
    Disconnect,
    Input,
    Operation,
    OperationRecord,
    Output,
    RemoveFile,
    RenameVertex,
    SetNote,
)
from pie_deploy.errors import DeployError

Item = TypeVar("Item")
Step = tuple[int, int, int, int]


def _steps(seed: int, count: int) -> list[Step]:
    random = Random(seed)
    return [(random.randrange(100), *(random.randrange(1000) for _ in range(3))) for _ in range(count)]


STEPS = st.builds(_steps, st.integers(0, 2**32), st.integers(5, 60))
"""By seed: drawn one by one, most sequences would be short and repeat themselves."""

NAMES = ["a", "b", "c", "d", "e", "f"]
VERSIONS = [
    "cv-pass",
    "cv-source",
    "cv-tokenise",
    "cv-tokenise-2",
    "cv-list",
    "cv-both",
    "cv-count",
    "cv-number",
    "cv-tokenise-3",
    "cv-none",
]
TRANSFORMATIONS: list[tuple[str, dict[str, str]]] = [
    ("tee", {}),
    ("merge", {}),
    ("zip", {}),
    ("tee", {"size": "3"}),
    ("flatten", {}),
    ("delay_one", {"type": '"Int64"', "value": "0"}),
    ("constant", {"type": '"String"', "value": '"x"'}),
    ("constant", {"type": '"Int64"', "value": "1"}),
    ("delay_one", {"type": '"String"', "value": '"y"'}),
    ("nothing", {}),
]
VALUES: list[tuple[str, str | None]] = [
    ("size", "2"),
    ("size", "3"),
    ("size", "1"),
    ("size", '"x"'),
    ("lower", "false"),
    ("lower", None),
    ("lower", "1"),
    ("least", "3"),
    ("most", "5"),
    ("type", '"Double"'),
    ("type", '"Int64"'),
    ("value", "1"),
    ("value", '"z"'),
    ("separator", '"-"'),
]


def operation_of(step: Step, head: Head) -> Operation:
    """An operation for the head: adds while there is little, connects what there is, now and then changes or breaks something."""
    kind, one, two, three = step
    names = list(head.vertices)
    if len(names) < 3 or kind < 16:
        return _addition(one, two)
    if kind < 60:
        return _connection(head, one, two, three)
    vertex = _pick(names, one)
    if kind < 63:
        edges = sorted(head.graph().edges)
        output, input_ = ends_of(_pick(edges, two)) if edges else (Output(vertex), Input(vertex))
        return Disconnect(output=output, input=input_)
    if kind < 65:
        return DeleteVertex(vertex=vertex)
    if kind < 71:
        return ChangeVersion(vertex=vertex, component=_pick(VERSIONS, two))
    if kind < 84:
        name, value = _pick(VALUES, two)
        return ChangeParameter(vertex=vertex, name=name, value=value)
    return _decoration(kind, vertex, two, three)


def operations_of(steps: Sequence[Step], head: Head) -> Iterator[Operation]:
    """Each for the head as it is when it is asked for."""
    for step in steps:
        yield operation_of(step, head)


def landed(steps: Sequence[Step]) -> tuple[Head, list[OperationRecord]]:
    """A head and its log after those of the operations that are accepted."""
    head, records = Head(known_shapes(), files=file_type), list[OperationRecord]()
    for operation in operations_of(steps, head):
        try:
            records += append(head, "b-1", [operation], STAMP)
        except DeployError:
            continue
    return head, records


def _addition(one: int, two: int) -> Operation:
    name = _pick(NAMES, one)
    if two % 3:
        return AddVertex(vertex=name, component=_pick(VERSIONS, two // 3))
    transformation, parameters = _pick(TRANSFORMATIONS, two // 3)
    return AddVertex(vertex=name, transformation=transformation, parameters=parameters)


def _connection(head: Head, one: int, two: int, three: int) -> Operation:
    outputs = [Output(name, position) for name in head.vertices for position in range(len(head.shape(name).outputs) + (three == 0))]
    inputs = [Input(name, position) for name in head.vertices for position in range(len(head.shape(name).inputs))]
    if not outputs or not inputs:
        return Connect(output=Output("a"), input=Input("b"))
    return Connect(output=_pick(outputs, one), input=_pick(inputs, two))


def _decoration(kind: int, vertex: str, two: int, three: int) -> Operation:
    if kind < 88:
        endpoint = _pick(["text", "counts"], two)
        return ChangeEndpointAlias(vertex=vertex, endpoint=endpoint, role=_pick(["x", "y", None], three))
    if kind < 92:
        return AddFile(vertex=vertex, slot=_pick(["stopwords", "words"], two), file=_pick(["f-text", "f-more", "f-weights"], three))
    if kind < 94:
        return RemoveFile(vertex=vertex, slot=_pick(["stopwords", "words"], two))
    if kind < 97:
        return RenameVertex(vertex=vertex, label=_pick(["", "ä b", "true", "- x"], two))
    return SetNote(vertex=vertex, note=_pick(["", "1e3", "two\nlines\n", "# no"], two))


def _pick(items: Sequence[Item], number: int) -> Item:
    return items[number % len(items)]
