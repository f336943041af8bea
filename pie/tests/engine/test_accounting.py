"""Tokens are charged to the process they were computed for, and to its user."""

import pytest

from pie.clock import ManualClock
from pie.config.config import LimitsConfig
from pie.engine import accounting
from pie.engine.accounting import Accounting
from pie.engine.quota import Quotas
from pie.errors import QuotaError
from pie.processes.events import EventQueue
from pie.processes.process import Process


@pytest.fixture
def quotas() -> Quotas:
    return Quotas(LimitsConfig(tokens_per_minute=100), ManualClock())


def process(process_id: str) -> Process:
    return Process(process_id, "program@1.0.0", "ada", "{}", 0, EventQueue(1, 1))


def test_a_process_and_its_user_are_charged(quotas: Quotas) -> None:
    books, running = Accounting(quotas, ManualClock(7)), process("p")
    books.begin(running)
    books.charge("p", 60)
    books.charge("p", 60)
    assert running.tokens == 120
    with pytest.raises(QuotaError):
        quotas.admit("ada")


def test_the_moment_of_a_processs_first_tokens_is_kept(quotas: Quotas) -> None:
    clock, running = ManualClock(7), process("p")
    books = Accounting(quotas, clock)
    books.begin(running)
    books.charge("p", 10)
    clock.advance(5)
    books.charge("p", 10)
    assert running.first_tokens_ns == 7


def test_an_owner_that_is_no_process_pays_otherwise(quotas: Quotas) -> None:
    Accounting(quotas, ManualClock(7)).charge("an HTTP request", 1000)
    quotas.admit("ada")


def test_what_was_on_its_way_when_a_process_ended_is_charged(quotas: Quotas) -> None:
    books, ended = Accounting(quotas, ManualClock(7)), process("p")
    books.begin(ended)
    books.end(ended)
    books.charge("p", 120)
    with pytest.raises(QuotaError):
        quotas.admit("ada")


def test_ended_processes_are_forgotten_in_time(quotas: Quotas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounting, "ENDED_PROCESSES_CHARGED_MAX", 3)
    books = Accounting(quotas, ManualClock(7))
    for number in range(10):
        books.begin(process(str(number)))
        books.end(process(str(number)))
    assert list(books._processes) == ["7", "8", "9"]
