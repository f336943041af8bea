"""Results are remembered until their connection has proved alive, within bounds."""

from pie.limits import UNCONFIRMED_CHARACTERS_MAX, UNCONFIRMED_RESULTS_MAX
from pie.net.unconfirmed import SentResult, Unconfirmed
from pie.processes.events import ProcessEvent

AGE = 60


def result(name: str, at: int = 0, text: str = "x") -> SentResult:
    return SentResult(name, "ada", ProcessEvent("return", text), at)


def test_another_connection_of_the_user_may_take_a_result_once() -> None:
    unconfirmed = Unconfirmed(AGE)
    unconfirmed.add("old", result("p"))
    assert unconfirmed.take("p", "bob", "new", 1) is None
    assert unconfirmed.take("p", "ada", "old", 1) is None
    assert unconfirmed.take("p", "ada", "new", 1) == result("p")
    assert unconfirmed.take("p", "ada", "new", 1) is None
    assert unconfirmed.leave("old", 1) == []


def test_a_result_that_was_sent_again_is_the_new_connections() -> None:
    unconfirmed = Unconfirmed(AGE)
    unconfirmed.add("old", result("p"))
    unconfirmed.take("p", "ada", "new", 1)
    unconfirmed.add("new", result("p", at=2))
    assert unconfirmed.leave("old", 3) == []
    assert unconfirmed.leave("new", 3) == [result("p", at=2)]


def test_what_was_sent_long_ago_has_arrived() -> None:
    unconfirmed = Unconfirmed(AGE)
    unconfirmed.add("old", result("p", at=0))
    unconfirmed.add("old", result("q", at=50))
    assert unconfirmed.take("p", "ada", "new", 61) is None
    assert unconfirmed.leave("old", 61) == [result("q", at=50)]


def test_old_ones_make_room_when_others_come() -> None:
    unconfirmed = Unconfirmed(AGE)
    unconfirmed.add("old", result("p", at=0))
    unconfirmed.add("old", result("q", at=61))
    assert len(unconfirmed) == 1


def test_a_connection_has_so_many_and_so_much() -> None:
    unconfirmed = Unconfirmed(AGE)
    for number in range(UNCONFIRMED_RESULTS_MAX + 10):
        unconfirmed.add("old", result(str(number)))
    assert len(unconfirmed) == UNCONFIRMED_RESULTS_MAX
    unconfirmed.add("old", result("long", text="x" * (UNCONFIRMED_CHARACTERS_MAX + 1)))
    assert len(unconfirmed) == 0
    unconfirmed.add("other", result("p"))
    assert len(unconfirmed.leave("other", 0)) == 1


def test_nothing_is_left_of_a_connection_that_has_ended() -> None:
    unconfirmed = Unconfirmed(AGE)
    unconfirmed.add("old", result("p"))
    unconfirmed.leave("old", 0)
    assert (len(unconfirmed), unconfirmed._of, unconfirmed._characters) == (0, {}, {})
