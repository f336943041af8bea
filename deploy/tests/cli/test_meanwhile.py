import threading
from collections.abc import Iterator

import pytest

from pie_deploy.cli.meanwhile import with_pauses


def test_values_come_in_order_and_then_it_ends() -> None:
    assert [value for value in with_pauses(iter([1, 2, 3]), 60) if value is not None] == [1, 2, 3]


def test_what_goes_wrong_comes_after_what_was_said() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    heard = with_pauses(broken(), 60)
    assert next(heard) == 1
    with pytest.raises(ValueError, match="broken"):
        next(heard)


def test_silence_is_told() -> None:
    go_on = threading.Event()

    def slow() -> Iterator[int]:
        go_on.wait(60)
        yield 1

    heard = with_pauses(slow(), 0.001)
    assert next(heard) is None
    go_on.set()
    assert next(value for value in heard if value is not None) == 1
