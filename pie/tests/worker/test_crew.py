"""Which steps are computed by how many threads."""

import pytest

from pie_worker.crew import Crew


class Machine:
    """Cores that are free or not, and what a crew makes of it."""

    def __init__(self, threads: int = 2) -> None:
        self.is_busy = False
        self.threads = threads
        self.switches = 0
        self.crew = Crew(threads, set_threads=self._set, switches=lambda: self.switches)

    def _set(self, threads: int) -> None:
        self.threads = threads

    def step(self, rows: int = 1) -> int:
        """The number of threads that computed it."""
        with self.crew.step(rows):
            if self.threads > 1:
                self.switches += 150 if self.is_busy else 2
        return self.threads


def test_on_free_cores_all_threads_compute() -> None:
    machine = Machine()
    assert {machine.step() for _ in range(1000)} == {2}


def test_beside_a_busy_process_one_computes_alone_but_for_rare_tries() -> None:
    machine = Machine()
    machine.is_busy = True
    shared = [machine.step() for _ in range(2000)].count(2)
    assert 2 <= shared <= 14


def test_when_the_cores_are_free_again_all_compute_again() -> None:
    machine = Machine()
    machine.is_busy = True
    for _ in range(5000):
        machine.step()
    machine.is_busy = False
    for _ in range(256):
        machine.step()
    assert {machine.step() for _ in range(1000)} == {2}


def test_large_steps_are_always_shared() -> None:
    machine = Machine()
    machine.is_busy = True
    machine.step()
    assert [machine.step(), machine.step(rows=500), machine.step()] == [1, 2, 1]


@pytest.mark.parametrize("threads", [1, 16])
def test_one_thread_and_many_are_left_as_they_are(threads: int) -> None:
    machine = Machine(threads)
    machine.is_busy = True
    assert {machine.step() for _ in range(100)} == {threads}


def test_a_step_that_fails_leaves_the_crew_as_it_was() -> None:
    machine = Machine()
    with pytest.raises(ZeroDivisionError), machine.crew.step(1):
        raise ZeroDivisionError
    assert machine.step() == 2
