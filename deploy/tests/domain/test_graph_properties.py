"""Whatever is done to a graph: the head, its slow twin and the replayed log agree, and what is taken back is gone."""

from collections.abc import Iterable

from graph_fixtures import STAMP, file_type, known_shapes
from graph_steps import STEPS, Step, landed, operation_of, operations_of
from graph_twin import RefusedError, twin_apply, twin_types
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.domain.apply import replay
from pie_deploy.domain.compact import compacted
from pie_deploy.domain.digest import graph_hash
from pie_deploy.domain.document import changes, difference, document_of, parse_document, print_document
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.log import undo
from pie_deploy.domain.operations import DeleteVertex
from pie_deploy.errors import DeployError
from pie_flow.types import Type, Variable
from pie_flow.unify import rebuild


@given(STEPS)
def test_the_head_takes_what_its_slow_twin_takes_and_both_have_the_same_graph(steps: list[Step]) -> None:
    shapes = known_shapes()
    head, twin = Head(shapes, files=file_type), Graph()
    for operation in operations_of(steps, head):
        try:
            twin = twin_apply(twin, operation, shapes)
            accepted = True
        except RefusedError:
            accepted = False
        try:
            head.apply([operation])
            assert accepted, operation
        except DeployError as error:
            assert not accepted, (operation, error)
        assert head.graph() == twin
        head.check()
    assert head.hash() == graph_hash(twin)


@given(STEPS)
def test_types_are_those_of_a_unification_from_nothing(steps: list[Step]) -> None:
    head, _ = landed(steps)
    expected = twin_types(head.graph(), head.shapes)
    found = {vertex: head.types(vertex) for vertex in expected}
    assert _renamed(kind for types in found.values() for kind in (*types.inputs, *types.outputs)) == _renamed(
        kind for inputs, outputs in expected.values() for kind in (*inputs, *outputs)
    )


def _renamed(types: Iterable[Type]) -> list[str]:
    """Types with variables numbered as they come: which of several equal ones stands for all is nobody's concern."""
    numbers: dict[Variable, Variable] = {}
    return [str(rebuild(kind, lambda variable: numbers.setdefault(variable, Variable(f"v{len(numbers)}")))) for kind in types]


@given(STEPS)
def test_an_operation_and_its_inverse_give_the_same_graph(steps: list[Step]) -> None:
    head, _ = landed(steps[:-1])
    operation = operation_of(steps[-1], head)
    before, graph = head.hash(), head.graph()
    try:
        [done] = head.apply([operation])
    except DeployError:
        assert head.graph() == graph
        return
    assert done.inverse is not None
    head.apply([done.inverse])
    assert head.hash() == before
    head.check()


@given(STEPS)
def test_R04_R06_the_replayed_log_is_the_graph_that_landed(steps: list[Step]) -> None:
    head, records = landed(steps)
    assert replay(records, known_shapes()) == head.graph()


@given(STEPS, st.data())
def test_undo_gives_the_graph_of_then(steps: list[Step], data: st.DataObject) -> None:
    head, records = landed(steps)
    if not records:
        return
    count = data.draw(st.integers(1, len(records)))
    then = records[-count - 1].graph_hash if count < len(records) else graph_hash(Graph())
    undo(head, "b-1", records, count, STAMP)
    assert head.hash() == then
    head.check()


@given(STEPS, STEPS)
def test_a_batch_that_is_refused_leaves_the_head_as_it_was(steps: list[Step], batch: list[Step]) -> None:
    head, _ = landed(steps)
    before, hashed = head.graph(), head.hash()
    try:
        head.apply([*operations_of(batch, head), DeleteVertex(vertex="nobody")])
        raise AssertionError("the last operation never fits")
    except DeployError:
        assert (head.graph(), head.hash()) == (before, hashed)
        head.check()


@given(STEPS)
def test_compaction_keeps_the_graph(steps: list[Step]) -> None:
    head, records = landed(steps)
    short = compacted(head.graph(), "b-1", STAMP)
    assert replay(short, known_shapes()) == head.graph()
    assert len(short) <= len(records)


@given(STEPS)
def test_a_document_that_was_exported_gives_the_same_graph(steps: list[Step]) -> None:
    head, _ = landed(steps)
    document = parse_document(print_document(document_of(head.graph(), "copy")))
    assert changes(head.graph(), document) == []
    copy = Head(known_shapes(), files=file_type)
    copy.apply(changes(Graph(), document))
    assert copy.hash() == head.hash()


@given(STEPS, STEPS)
def test_the_difference_of_two_graphs_makes_the_one_the_other(left: list[Step], right: list[Step]) -> None:
    head, other = landed(left)[0], landed(right)[0]
    head.apply(difference(head.graph(), other.graph()))
    assert head.hash() == other.hash()
    assert difference(head.graph(), other.graph()) == []
