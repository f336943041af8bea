"""Entries of a log: made all or none, with who and when; concurrent edits; forks; compaction."""

import pytest
from graph_fixtures import STAMP, add, known_shapes, new_head, transform, wire, wordcount

from pie_deploy.domain.apply import replay
from pie_deploy.domain.compact import compact, compacted
from pie_deploy.domain.completeness import problems
from pie_deploy.domain.digest import graph_hash
from pie_deploy.domain.document import difference
from pie_deploy.domain.fork import fork
from pie_deploy.domain.head import Head
from pie_deploy.domain.log import append, check_head, undo
from pie_deploy.domain.operations import (
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    Connect,
    DeleteVertex,
    Operation,
    OperationRecord,
    RenameBackend,
    RestoreVertex,
    RotateEndpoint,
    SetNote,
)
from pie_deploy.domain.undo import inverses
from pie_deploy.errors import ConflictError, InvalidArgumentError, InvalidOperationError, NotFoundError, StorageError
from pie_deploy.limits import OPERATIONS_PER_REQUEST_MAX

NUMBERS = [add("ints", "cv-source"), add("wide", "cv-number")]
WIDEN = wire("ints.3 wide.0")


def logged(*batches: list[Operation], bridge: bool = False) -> tuple[Head, list[OperationRecord]]:
    head, records = new_head(), list[OperationRecord]()
    for batch in batches:
        records += append(head, "b-1", batch, STAMP, bridge=bridge)
    return head, records


def undone(head: Head, records: list[OperationRecord], count: int) -> list[OperationRecord]:
    return records + undo(head, "b-1", records, count, STAMP)


def test_entries_are_numbered_and_say_who_and_when_and_what_came_of_it() -> None:
    head, records = logged(wordcount())
    assert [record.seq for record in records] == [1, 2, 3]
    assert {(record.actor, record.surface, record.request_id, record.at_ns, record.batch) for record in records} == {
        ("ada", "test", "q1", 1, 1)
    }
    assert records[-1].graph_hash == head.hash() == graph_hash(head.graph())
    assert records[0].inverse == DeleteVertex(vertex="tokenise")


def test_R04_R06_the_replayed_log_is_the_graph_and_every_prefix_is_the_graph_of_then() -> None:
    head, records = logged(wordcount(), [DeleteVertex(vertex="count")])
    assert replay(records, known_shapes()) == head.graph()
    assert graph_hash(replay(records[:3], known_shapes())) == records[2].graph_hash


def test_a_log_with_a_gap_does_not_replay() -> None:
    _, records = logged(wordcount())
    with pytest.raises(StorageError, match=r"^the log of b-1 has entry 3 after 1$"):
        replay([records[0], records[2]], known_shapes())


def test_a_log_that_gives_another_graph_than_it_tells_does_not_replay() -> None:
    _, records = logged(wordcount())
    _, others = logged([add("a", "cv-count")])
    with pytest.raises(StorageError, match="does not give the graph that entry 1 tells"):
        replay([OperationRecord(**{**_fields(records[0]), "operation": others[0].operation})], known_shapes())


def test_a_log_whose_entry_does_not_fit_does_not_replay() -> None:
    _, records = logged(wordcount())
    broken = OperationRecord(**{**_fields(records[0]), "operation": SetNote(vertex="nobody", note="")})
    with pytest.raises(StorageError, match=r"^the log of b-1 does not replay at entry 1$"):
        replay([broken], known_shapes())


def test_a_batch_that_is_refused_logs_nothing() -> None:
    head = new_head()
    with pytest.raises(InvalidOperationError, match=r"^operation 4 of 4: "):
        append(head, "b-1", [*wordcount(), DeleteVertex(vertex="nobody")], STAMP)
    assert (head.seq, head.graph().vertices) == (0, {})


def test_what_the_store_refuses_is_taken_back() -> None:
    head, _ = logged(wordcount())
    before = head.hash()
    append(head, "b-1", [DeleteVertex(vertex="count")], STAMP)
    head.take_back()
    assert (head.seq, head.hash()) == (3, before)


def test_an_empty_request_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        append(new_head(), "b-1", [], STAMP)


def test_edits_without_a_precondition_merge() -> None:
    one, other = [add("a", "cv-count", least="1")], [add("b", "cv-count", least="2")]
    left, _ = logged(one, other)
    right, _ = logged(other, one)
    assert left.hash() == right.hash()


def test_edits_that_exclude_each_other_fail_at_the_head_and_overwrite_nothing() -> None:
    head, _ = logged(wordcount(), [add("again", "cv-tokenise")])
    with pytest.raises(InvalidOperationError, match=r"the input takes .* already"):
        append(head, "b-1", [wire("again.0 count.0")], STAMP)


def test_a_precondition_holds_or_names_the_head() -> None:
    check_head(3, None)
    check_head(3, 3)
    with pytest.raises(ConflictError, match=r"^the log's head is 3, not 2: somebody has changed the graph since$"):
        check_head(3, 2)


# --- Undo ------------------------------------------------------------------------------------------------------------


def test_undo_takes_back_the_last_operations() -> None:
    head, records = logged(wordcount())
    before = records[0].graph_hash
    records = undone(head, records, 2)
    assert head.hash() == before
    assert [record.undoes for record in records] == [None, None, None, 3, 2]


def test_undo_twice_goes_further_back() -> None:
    head, records = logged(wordcount())
    records = undone(head, undone(head, records, 1), 1)
    assert head.hash() == records[0].graph_hash


def test_an_edit_after_an_undo_is_taken_back_first() -> None:
    head, records = logged(wordcount())
    records = undone(head, records, 1)
    records += append(head, "b-1", [SetNote(vertex="count", note="x")], STAMP)
    records = undone(head, records, 2)
    assert head.hash() == records[0].graph_hash


def test_everything_can_be_taken_back() -> None:
    head, records = logged(wordcount(), [DeleteVertex(vertex="tokenise")])
    undone(head, records, 4)
    assert head.hash() == new_head().hash()


def test_no_more_can_be_taken_back_than_there_is() -> None:
    head, records = logged(wordcount())
    with pytest.raises(InvalidOperationError, match=r"^there are only 3 operations to take back$"):
        undo(head, "b-1", records, 4, STAMP)
    assert head.seq == 3


@pytest.mark.parametrize("count", [0, -1, OPERATIONS_PER_REQUEST_MAX + 1])
def test_undo_counts_from_one_and_is_bounded(count: int) -> None:
    head, records = logged(wordcount())
    with pytest.raises(InvalidArgumentError):
        undo(head, "b-1", records, count, STAMP)


def test_undo_passes_over_a_renewed_token() -> None:
    head, records = logged(wordcount(), [RotateEndpoint(vertex="tokenise", endpoint="text")])
    undone(head, records, 1)
    assert head.hash() == records[1].graph_hash
    assert head.graph().rotations == {("tokenise", "text"): 1}


def test_undo_of_a_connect_takes_back_what_it_inserted() -> None:
    head, records = logged(NUMBERS, [WIDEN], bridge=True)
    assert [record.group for record in records] == [0, 0, 3, 3, 3]
    records = undone(head, records, 1)
    assert head.hash() == records[1].graph_hash
    assert list(head.vertices) == ["ints", "wide"]


def test_the_end_of_a_log_that_cuts_a_connect_in_two_is_not_enough_to_take_it_back() -> None:
    _, records = logged(NUMBERS, [WIDEN], bridge=True)
    with pytest.raises(InvalidOperationError):
        inverses(records[3:], 1)
    assert [inverse.undoes for inverse in inverses(records[2:], 1)] == [5, 4, 3]


# --- Bridges ---------------------------------------------------------------------------------------------------------


def test_connect_inserts_a_visible_transformation_where_types_allow() -> None:
    _, records = logged(NUMBERS, [WIDEN], bridge=True)
    inserted, to, on = (record.operation for record in records[2:])
    assert inserted == AddVertex(
        vertex="wide-in0-convert", transformation="convert", parameters={"from": '"Int32"', "to": '"Int64"'}
    )
    assert (to, on) == (wire("ints.3 wide-in0-convert.0"), wire("wide-in0-convert.0 wide.0"))


# --- Forks -----------------------------------------------------------------------------------------------------------


def test_R03_a_fork_starts_with_the_same_graph_and_has_a_history_of_its_own() -> None:
    head, records = logged(wordcount())
    copied = fork(records, "b-2")
    assert {record.backend_id for record in copied} == {"b-2"}
    forked = Head.replay(copied, known_shapes())
    assert forked.hash() == head.hash()
    copied += append(forked, "b-2", [DeleteVertex(vertex="count")], STAMP)
    assert forked.hash() != head.hash()
    assert len(records) == 3


def test_a_fork_at_a_point_has_the_graph_of_then() -> None:
    _, records = logged(wordcount())
    assert list(replay(fork(records, "b-2", at=1), known_shapes()).vertices) == ["tokenise"]
    assert fork(records, "b-2", at=0) == []


@pytest.mark.parametrize("at", [-1, 4])
def test_a_fork_at_a_point_that_is_not_there_is_refused(at: int) -> None:
    _, records = logged(wordcount())
    with pytest.raises(NotFoundError):
        fork(records, "b-2", at=at)


def test_a_fork_can_take_back_what_it_has_inherited() -> None:
    _, records = logged(wordcount())
    copied = fork(records, "b-2")
    forked = Head.replay(copied, known_shapes())
    undo(forked, "b-2", copied, 3, STAMP)
    assert not forked.vertices


def test_a_fork_does_not_take_back_its_origins_name() -> None:
    _, records = logged([RenameBackend(name="words")], wordcount())
    copied = fork(records, "b-2")
    forked = Head.replay(copied, known_shapes(), name="mine")
    undo(forked, "b-2", copied, 3, STAMP)
    assert forked.graph().name == "mine"


# --- Compaction ------------------------------------------------------------------------------------------------------


def test_compaction_keeps_the_graph_in_one_operation_per_vertex() -> None:
    head, records = logged(
        wordcount(),
        [ChangeParameter(vertex="count", name="least", value=str(number)) for number in range(20)],
        [ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="text")],
        [RotateEndpoint(vertex="tokenise", endpoint="text")] * 3,
    )
    short = compacted(head.graph(), "b-1", STAMP)
    assert [type(record.operation) for record in short] == [RestoreVertex, RestoreVertex, RotateEndpoint]
    assert replay(short, known_shapes()) == head.graph()
    assert short[-1].graph_hash == records[-1].graph_hash


def test_what_compaction_writes_would_also_be_accepted() -> None:
    head, _ = logged(wordcount(), [transform("loop", "tee"), wire("loop.0 loop.0")])
    again = new_head(*compact(head.graph()))
    assert again.graph() == head.graph()


def test_a_token_stays_renewed_through_a_compaction_even_without_its_vertex() -> None:
    head, _ = logged(wordcount(), [RotateEndpoint(vertex="tokenise", endpoint="text")], [DeleteVertex(vertex="tokenise")])
    short = compacted(head.graph(), "b-1", STAMP)
    assert replay(short, known_shapes()).rotations == {("tokenise", "text"): 1}


def test_undo_does_not_reach_behind_a_compaction() -> None:
    head, _ = logged(wordcount())
    records = compacted(head.graph(), "b-1", STAMP)
    head = Head.replay(records, known_shapes())
    records += append(head, "b-1", [SetNote(vertex="count", note="x")], STAMP)
    with pytest.raises(InvalidOperationError, match="is from a compaction"):
        undo(head, "b-1", records, 2, STAMP)
    undo(head, "b-1", records, 1, STAMP)


def test_connect_is_the_only_operation_that_becomes_several() -> None:
    _, records = logged(wordcount(), bridge=True)
    assert [type(record.operation) for record in records] == [AddVertex, AddVertex, Connect]


def _fields(record: OperationRecord) -> dict[str, object]:
    return {field: getattr(record, field) for field in record.__struct_fields__}


@pytest.mark.slow
def test_a_graph_of_ten_thousand_vertices_is_a_graph_like_any_other() -> None:
    operations: list[Operation] = [add("v0", "cv-source"), add("v1", "cv-pass"), wire("v0.1 v1.0")]
    for number in range(2, 10_000):
        operations += [add(f"v{number}", "cv-pass"), wire(f"v{number - 1}.0 v{number}.0")]
    head, records = logged(operations)
    assert str(head.types("v9999").outputs[0]) == "Int64"
    assert Head.replay(records, known_shapes()).hash() == head.hash() == graph_hash(head.graph())
    assert problems(head.graph(), known_shapes()) == []
    assert difference(head.graph(), replay(compacted(head.graph(), "b-1", STAMP), known_shapes())) == []
    undo(head, "b-1", records, 9_999, STAMP)
    assert head.hash() == records[9_999].graph_hash
