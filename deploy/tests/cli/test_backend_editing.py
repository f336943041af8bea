"""Each verb appends its operation."""

import cli_rows as rows
import pytest
from cli_fakes import FakeApi, run

from pie_deploy.cli.backend.operations import ABOUT, sentence
from pie_deploy.domain.operations import AddVertex, Connect, Input, MoveVertex, Operation, Output
from pie_deploy.services.views import Appended

PATH = "/v1/backends/words/operations"


@pytest.fixture(autouse=True)
def _answers(api: FakeApi) -> None:
    api.on("POST", PATH, Appended(records=(rows.record(8, AddVertex(vertex="count", component="cv-1")),)))


@pytest.mark.parametrize(
    ("verb", "arguments", "operation"),
    [
        ("add-vertex", "count --component count@3", {"vertex": "count", "component": "count@3"}),
        (
            "add-vertex",
            "all --transformation window --set size=3 --set=step=1",
            {"vertex": "all", "transformation": "window", "parameters": {"size": "3", "step": "1"}},
        ),
        ("delete-vertex", "count", {"vertex": "count"}),
        ("connect", "a.out1 b.in2", {"output": {"vertex": "a", "position": 1}, "input": {"vertex": "b", "position": 2}}),
        ("connect", "a b", {"output": {"vertex": "a", "position": 0}, "input": {"vertex": "b", "position": 0}}),
        ("disconnect", "a b.in1", {"output": {"vertex": "a", "position": 0}, "input": {"vertex": "b", "position": 1}}),
        ("change-parameter", "count top 5", {"vertex": "count", "name": "top", "value": "5"}),
        ("change-parameter", "count top -- -5", {"vertex": "count", "name": "top", "value": "-5"}),
        ("change-parameter", "count top -5.5e3", {"vertex": "count", "name": "top", "value": "-5.5e3"}),
        ("change-parameter", "count top --unset", {"vertex": "count", "name": "top"}),
        ("add-file", "count stop f-1", {"vertex": "count", "slot": "stop", "file": "f-1"}),
        ("remove-file", "count stop", {"vertex": "count", "slot": "stop"}),
        ("change-version", "count count@4", {"vertex": "count", "component": "count@4"}),
        ("change-endpoint-alias", "count text in", {"vertex": "count", "endpoint": "text", "role": "in"}),
        ("change-endpoint-alias", "count text --remove", {"vertex": "count", "endpoint": "text"}),
        ("rotate-endpoint", "count text", {"vertex": "count", "endpoint": "text"}),
        ("rename-vertex", "count Counts", {"vertex": "count", "label": "Counts"}),
        ("move-vertex", "count 1 2.5", {"vertex": "count", "position": [1.0, 2.5]}),
        ("move-vertex", "count -100 -40.5", {"vertex": "count", "position": [-100.0, -40.5]}),
        ("set-note", "count slow", {"vertex": "count", "note": "slow"}),
        ("rename", "letters", {"name": "letters"}),
        ("describe", "Counts.", {"description": "Counts."}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_verb_appends_its_operation(api: FakeApi, verb: str, arguments: str, operation: dict[str, object]) -> None:
    ran = run("backend", verb, "words", *arguments.split())
    assert (ran.code, ran.err) == (0, "")
    word = {"rename": "rename-backend"}.get(verb, verb)
    assert api.asked[-1].json == {"operations": [{"op": word, **operation}], "bridge": True}


def test_what_was_appended_is_said(api: FakeApi) -> None:
    assert run("backend", "delete-vertex", "words", "x").out == "✓ 8  add-vertex count: cv-1\n"


def test_what_was_inserted_is_said(api: FakeApi) -> None:
    connect = rows.record(9, Connect(output=Output("a"), input=Input("b")))
    api.on("POST", PATH, Appended(records=(connect,), inserted=("a-b-flatten",)))
    ran = run("backend", "connect", "words", "a", "b")
    assert ran.out == "✓ 9  connect a.out0 -> b.in0\n  inserted to make the types fit: a-b-flatten\n"


def test_nothing_is_inserted_when_that_is_not_wanted(api: FakeApi) -> None:
    run("backend", "connect", "words", "a", "b", "--no-bridge")
    assert api.asked[-1].json["bridge"] is False


def test_a_caller_may_insist_on_the_head_that_he_knows(api: FakeApi) -> None:
    run("backend", "delete-vertex", "words", "x", "--if-match", "7")
    assert api.asked[-1].headers["if-match"] == "7"


def test_programs_get_the_records(api: FakeApi) -> None:
    assert '"seq": 8' in run("backend", "delete-vertex", "words", "x", "--json").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("add-vertex words x", "either --component or --transformation"),
        ("add-vertex words x --component a --transformation b", "either --component or --transformation"),
        ("add-vertex words x --component a --set top", "'top' is not NAME=LITERAL"),
        ("connect words a.in0 b", "'a.in0' is not an output: write VERTEX or VERTEX.out0"),
        ("connect words a b.out0", "'b.out0' is not an input"),
        ("connect words a.b.c b", "is not an output"),
        ("change-parameter words a top", "give a literal, or --unset"),
        ("change-parameter words a top 5 --unset", "give a literal, or --unset"),
        ("change-endpoint-alias words a text", "give a role, or --remove"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_asked(api: FakeApi, arguments: str, message: str) -> None:
    ran = run("backend", *arguments.split())
    assert ran.code == 2
    assert message in ran.err
    assert api.asked == []


def test_undo_takes_back_as_many_as_one_says(api: FakeApi) -> None:
    api.on("POST", "/v1/backends/words/undo", Appended(records=(rows.record(9, AddVertex(vertex="a", component="c"), undoes=7),)))
    assert run("backend", "undo", "words", "2").code == 0
    assert api.asked[-1].json == {"count": 2}


def test_compact_says_how_many_are_left(api: FakeApi) -> None:
    api.on("POST", "/v1/backends/words/compact", rows.backend("words", head=3))
    assert run("backend", "compact", "words").out == "✓ words has 3 operations\n"


def test_every_operation_has_a_sentence() -> None:
    assert set(ABOUT) == set(Operation.__args__)


def test_a_sentence_begins_with_the_operations_word() -> None:
    assert sentence(MoveVertex(vertex="a", position=(1.0, 2.5))) == "move-vertex a: 1, 2.5"
