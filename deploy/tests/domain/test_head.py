"""Operations at the head of a log: what each changes, what takes it back, what is refused and how it says so."""

from collections.abc import Mapping

import pytest
from graph_fixtures import STAMP, add, edge, known_shapes, new_head, transform, wire, wordcount

from pie_deploy.domain.apply import apply, replay
from pie_deploy.domain.digest import graph_hash
from pie_deploy.domain.graph import ComponentSource, Graph, Shape, Source, Vertex
from pie_deploy.domain.head import Head
from pie_deploy.domain.log import append
from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    DeleteVertex,
    Describe,
    Disconnect,
    Input,
    MoveVertex,
    Operation,
    Output,
    RemoveFile,
    RenameBackend,
    RenameVertex,
    RestoreVertex,
    RotateEndpoint,
    SetNote,
)
from pie_deploy.errors import DeployError, InvalidOperationError, LiteralError, NotFoundError, TypeMismatchError
from pie_deploy.limits import VERTICES_MAX


def complete() -> Head:
    """A head on which every operation has something to change."""
    return new_head(
        *wordcount(),
        AddFile(vertex="tokenise", slot="stopwords", file="f-text"),
        ChangeParameter(vertex="tokenise", name="lower", value="false"),
        ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="text"),
        RenameVertex(vertex="tokenise", label="Tokens"),
        MoveVertex(vertex="tokenise", position=(1.5, -2.0)),
        SetNote(vertex="tokenise", note="splits"),
        RenameBackend(name="words"),
        Describe(description="Counts words."),
    )


UNDOABLE: dict[str, Operation] = {
    "add-vertex": add("other", "cv-tokenise"),
    "add-transformation": transform("other", "tee", size="3"),
    "delete-vertex": DeleteVertex(vertex="tokenise"),
    "connect": wire("tokenise.0 count2.0"),
    "disconnect": Disconnect(output=Output("tokenise"), input=Input("count")),
    "change-version": ChangeVersion(vertex="tokenise", component="cv-tokenise-2"),
    "change-endpoint-alias": ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="words"),
    "remove-alias": ChangeEndpointAlias(vertex="tokenise", endpoint="text"),
    "add-alias": ChangeEndpointAlias(vertex="count", endpoint="counts", role="counts"),
    "change-parameter": ChangeParameter(vertex="tokenise", name="lower", value="true"),
    "set-parameter": ChangeParameter(vertex="count", name="most", value="7"),
    "unset-parameter": ChangeParameter(vertex="tokenise", name="lower"),
    "replace-file": AddFile(vertex="tokenise", slot="stopwords", file="f-more"),
    "add-file": AddFile(vertex="tokenise", slot="words", file="f-more"),
    "remove-file": RemoveFile(vertex="tokenise", slot="stopwords"),
    "rename-vertex": RenameVertex(vertex="tokenise", label=""),
    "move-vertex": MoveVertex(vertex="tokenise", position=None),
    "set-note": SetNote(vertex="tokenise", note="other"),
    "describe": Describe(description=""),
    "restore-vertex": RestoreVertex(
        vertex="other",
        component="cv-count",
        parameters={"least": "2"},
        label="Other",
        edges=((Output("tokenise2"), Input("other")),),
        aliases={"counts": "counts"},
    ),
}


@pytest.mark.parametrize("operation", UNDOABLE.values(), ids=UNDOABLE.keys())
def test_an_operation_changes_the_graph_and_its_inverse_changes_it_back(operation: Operation) -> None:
    head = complete()
    head.apply([add("count2", "cv-count"), add("tokenise2", "cv-tokenise")])
    before = head.hash()
    [landed] = head.apply([operation])
    assert head.hash() != before
    assert landed.inverse is not None
    head.apply([landed.inverse])
    assert head.hash() == before
    head.check()


@pytest.mark.parametrize("operation", UNDOABLE.values(), ids=UNDOABLE.keys())
def test_what_was_applied_can_be_taken_back(operation: Operation) -> None:
    head = complete()
    head.apply([add("count2", "cv-count"), add("tokenise2", "cv-tokenise")])
    graph, seq = head.graph(), head.seq
    head.apply([operation])
    head.take_back()
    assert (head.graph(), head.seq) == (graph, seq)
    assert head.hash() == graph_hash(graph)
    head.check()


def test_an_operation_on_a_graph_as_a_value_leaves_it_alone() -> None:
    before = Graph()
    applied = apply(before, add("count", "cv-count"), known_shapes())
    assert before == Graph()
    assert applied.graph.vertices["count"].source == ComponentSource("cv-count")
    assert applied.inverse == DeleteVertex(vertex="count")


def test_a_deleted_vertex_comes_back_with_everything_it_had() -> None:
    head = complete()
    before = head.graph()
    [landed] = head.apply([DeleteVertex(vertex="tokenise")])
    assert list(head.graph().vertices) == ["count"]
    assert not head.graph().edges
    assert not head.graph().aliases
    assert landed.inverse is not None
    head.apply([landed.inverse])
    assert head.graph() == before


def test_renaming_the_backend_is_taken_back_to_the_former_name() -> None:
    head = new_head(RenameBackend(name="words"))
    [landed] = head.apply([RenameBackend(name="other")])
    assert landed.inverse == RenameBackend(name="words")
    assert head.graph().name == "other"


def test_a_renewed_forwarding_token_has_no_inverse_and_is_not_part_of_the_hash() -> None:
    head = complete()
    before = head.hash()
    [landed] = head.apply([RotateEndpoint(vertex="tokenise", endpoint="text")])
    assert landed.inverse is None
    assert head.graph().rotations == {("tokenise", "text"): 1}
    assert head.hash() == before


def test_a_renewed_token_stays_renewed_when_its_vertex_goes_and_comes_back() -> None:
    head = complete()
    head.apply([RotateEndpoint(vertex="tokenise", endpoint="text")])
    [landed] = head.apply([DeleteVertex(vertex="tokenise")])
    assert landed.inverse is not None
    head.apply([landed.inverse])
    assert head.graph().rotations == {("tokenise", "text"): 1}


def test_a_batch_lands_whole_or_not_at_all() -> None:
    head = complete()
    before, seq = head.graph(), head.seq
    with pytest.raises(InvalidOperationError, match=r"^operation 3 of 3: there is no vertex 'nobody'$"):
        head.apply([add("more", "cv-count"), wire("tokenise.0 more.0"), DeleteVertex(vertex="nobody")])
    assert (head.graph(), head.seq) == (before, seq)
    assert head.hash() == graph_hash(before)


def test_an_output_feeds_many_inputs() -> None:
    head = new_head(*wordcount(), add("again", "cv-count"), wire("tokenise.0 again.0"))
    assert head.graph().edges == {edge("tokenise.0 count.0"), edge("tokenise.0 again.0")}


def test_replay_gives_the_graph_that_landed() -> None:
    head = new_head()
    records = append(head, "b-1", wordcount(), STAMP)
    assert replay(records, known_shapes()) == head.graph()


REFUSED: dict[str, tuple[Operation, type[DeployError], str]] = {
    "name": (
        add("Bad name", "cv-count"),
        InvalidOperationError,
        "'Bad name' cannot be a vertex's name",
    ),
    "name ends in a newline": (
        add("count\n", "cv-count"),
        InvalidOperationError,
        "'count\\n' cannot be a vertex's name",
    ),
    "twice": (add("count", "cv-count"), InvalidOperationError, "there is a vertex count already"),
    "nothing to run": (
        AddVertex(vertex="new"),
        InvalidOperationError,
        "vertex new: give a component or a transformation, one of the two",
    ),
    "version": (add("new", "cv-none"), NotFoundError, "vertex new: there is no component version cv-none"),
    "transformation": (transform("new", "spin"), NotFoundError, "vertex new: there is no transformation 'spin'"),
    "position": (
        AddVertex(vertex="new", component="cv-count", position=(float("nan"), 0)),
        InvalidOperationError,
        "a position is two finite numbers",
    ),
    "delete": (DeleteVertex(vertex="nobody"), InvalidOperationError, "there is no vertex 'nobody'"),
    "output": (wire("tokenise.1 count.0"), InvalidOperationError, "vertex tokenise has no output 1: there is 1 output"),
    "negative": (wire("tokenise.-1 count.0"), InvalidOperationError, "vertex tokenise has no output -1: there is 1 output"),
    "input": (wire("tokenise.0 source.0"), InvalidOperationError, "vertex source has no input 0: there are 0 inputs"),
    "taken": (
        wire("source.0 count.0"),
        InvalidOperationError,
        "edge source.out0 -> count.in0: the input takes tokenise.out0 already; the transformation merge joins two",
    ),
    "edge twice": (wire("tokenise.0 count.0"), InvalidOperationError, "edge tokenise.out0 -> count.in0 is there already"),
    "no edge": (
        Disconnect(output=Output("source"), input=Input("count")),
        InvalidOperationError,
        "there is no edge source.out0 -> count.in0",
    ),
    "parameter": (
        ChangeParameter(vertex="tokenise", name="upper", value="true"),
        InvalidOperationError,
        "vertex tokenise has no parameter 'upper'",
    ),
    "file slot": (
        AddFile(vertex="count", slot="words", file="f-text"),
        InvalidOperationError,
        "vertex count has no file slot 'words'",
    ),
    "no file": (
        AddFile(vertex="tokenise", slot="words", file="f-none"),
        NotFoundError,
        "vertex tokenise, slot words: there is no file 'f-none'",
    ),
    "file type": (
        AddFile(vertex="tokenise", slot="words", file="f-weights"),
        InvalidOperationError,
        "vertex tokenise, slot words: f-weights is of type weights, wanted is text",
    ),
    "unbound": (RemoveFile(vertex="tokenise", slot="words"), InvalidOperationError, "vertex tokenise has no file at slot 'words'"),
    "endpoint": (
        ChangeEndpointAlias(vertex="tokenise", endpoint="none", role="x"),
        InvalidOperationError,
        "vertex tokenise has no endpoint 'none'",
    ),
    "role": (
        ChangeEndpointAlias(vertex="count", endpoint="counts", role="a/b"),
        InvalidOperationError,
        "'a/b' cannot be a role",
    ),
    "role twice": (
        ChangeEndpointAlias(vertex="count", endpoint="counts", role="text"),
        InvalidOperationError,
        "the role text belongs to tokenise.text",
    ),
    "version of a transformation": (
        ChangeVersion(vertex="copy", component="cv-count"),
        InvalidOperationError,
        "vertex copy is a transformation; it has no versions",
    ),
    "version without the endpoint": (
        ChangeVersion(vertex="count", component="cv-source"),
        InvalidOperationError,
        "vertex count has no parameter 'least'",
    ),
    "rotation": (
        RotateEndpoint(vertex="tokenise", endpoint="text", count=0),
        InvalidOperationError,
        "an endpoint's token is renewed at least once and at most 2147483648 times",
    ),
    "control character": (SetNote(vertex="tokenise", note="a\x00"), InvalidOperationError, "a note has no control characters"),
    "label": (RenameVertex(vertex="tokenise", label="x" * 201), InvalidOperationError, "a label has at most 200 characters"),
}


@pytest.mark.parametrize(("operation", "error", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_fit_is_refused_with_a_reason_and_changes_nothing(
    operation: Operation, error: type[DeployError], message: str
) -> None:
    head = new_head(*wordcount(), add("source", "cv-source"), transform("copy", "tee"))
    head.apply([ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="text")])
    before = head.hash()
    with pytest.raises(error) as refusal:
        head.apply([operation])
    assert type(refusal.value) is error
    assert refusal.value.message == message
    assert head.hash() == before


def test_a_literal_is_checked_when_it_is_set_not_at_deploy() -> None:
    head = new_head(*wordcount())
    with pytest.raises(LiteralError, match=r"^vertex count, parameter least: column 1: .*; its type is Int64$"):
        head.apply([ChangeParameter(vertex="count", name="least", value='"many"')])


def test_a_text_without_its_quotes_is_refused_with_the_remedy() -> None:
    head = new_head(*wordcount())
    with pytest.raises(LiteralError, match=r"its type is String; a String's literal has quotes of its own: '\"text\"'$"):
        head.apply([ChangeParameter(vertex="tokenise", name="separator", value="-")])


def test_a_version_whose_types_no_longer_fit_an_edge_is_refused() -> None:
    head = new_head(*wordcount())
    before = head.graph()
    with pytest.raises(TypeMismatchError, match=r"^edge tokenise\.out0 -> count\.in0: type mismatch: upstream Bytes"):
        head.apply([ChangeVersion(vertex="tokenise", component="cv-tokenise-3")])
    assert head.graph() == before


def test_a_shape_may_not_lose_a_slot_that_an_edge_uses() -> None:
    head = new_head(transform("copy", "tee", size="3"), add("pass", "cv-pass"), wire("copy.2 pass.0"))
    with pytest.raises(InvalidOperationError, match=r"^edge copy\.out2 -> pass\.in0 would lose its output: there are 2 outputs$"):
        head.apply([ChangeParameter(vertex="copy", name="size", value="2")])


def test_a_parameter_of_a_transformation_may_add_a_slot() -> None:
    head = new_head(transform("copy", "tee", size="2"))
    head.apply([ChangeParameter(vertex="copy", name="size", value="5")])
    assert len(head.types("copy").outputs) == 5


def test_an_operation_looks_only_at_what_it_touches() -> None:
    asked: list[Source] = []
    known = known_shapes()

    def shapes(source: Source, parameters: Mapping[str, str]) -> Shape:
        asked.append(source)
        return known(source, parameters)

    head = Head(shapes)
    head.apply([add(f"v{number}", "cv-number") for number in range(500)])
    head.apply([wire(f"v{number}.0 v{number + 1}.0") for number in range(499)])
    asked.clear()
    head.apply([add("new", "cv-pass"), wire("v499.0 new.0"), DeleteVertex(vertex="v7"), SetNote(vertex="v8", note="x")])
    assert len(asked) <= 4


def test_a_graph_has_a_bound() -> None:
    vertices = {f"v{number}": Vertex(f"v{number}", ComponentSource("cv-count")) for number in range(VERTICES_MAX)}
    head = Head(known_shapes(), Graph(vertices))
    with pytest.raises(InvalidOperationError, match=r"^a graph has at most \d+ vertices$"):
        head.apply([add("one-more", "cv-count")])
