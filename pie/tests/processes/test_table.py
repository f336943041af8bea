"""The process table and the state machine of a process."""

import pytest

from pie.processes.events import EventQueue
from pie.processes.process import TRANSITIONS, Process
from pie.processes.table import ProcessTable


def process(process_id: str, username: str = "ada") -> Process:
    return Process(process_id, "hello@0.1.0", username, "{}", 0, EventQueue(8, 100))


def test_a_process_that_runs_through_is_returned() -> None:
    one = process("1")
    for action in ("admit", "start", "succeed"):
        one.apply(action)
    assert one.ended
    assert one.state == "returned"


def test_every_state_that_is_not_final_can_be_terminated() -> None:
    assert all("terminate" in actions for actions in TRANSITIONS.values() if actions)


def test_an_action_out_of_order_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        process("1").apply("succeed")


def test_the_table_lists_live_processes_by_user() -> None:
    table = ProcessTable()
    for process_id, username in (("1", "ada"), ("2", "bob"), ("3", "ada")):
        table.add(process(process_id, username))
    assert [one.id for one in table.live("ada")] == ["1", "3"]
    assert len(table.live()) == 3


def test_ended_processes_are_counted_and_forgotten() -> None:
    table = ProcessTable()
    one = process("1")
    table.add(one)
    one.apply("terminate")
    table.remove(one)
    assert table.get("1") is None
    assert table.statistics().terminated == 1
