import random

import pytest

from pie.limits import WASI_RANDOM_BYTES_MAX
from pie.sandbox.interface import GuestTrap
from pie.wasi.random import insecure_seed, random_bytes, random_u64
from wasi.fakes import process


def test_bytes_have_the_length_asked_for():
    assert len(random_bytes(process(), 33)) == 33
    assert random_bytes(process(), 0) == b""


def test_two_calls_differ():
    state = process()
    assert random_bytes(state, 16) != random_bytes(state, 16)


@pytest.mark.parametrize("length", [WASI_RANDOM_BYTES_MAX + 1, 1 << 40, (1 << 64) - 1])
def test_more_than_the_limit_traps(length):
    with pytest.raises(GuestTrap, match="random bytes"):
        random_bytes(process(), length)


def test_a_seed_makes_a_run_reproducible():
    draws = [
        (random_bytes(state, 8), random_u64(state), insecure_seed(state))
        for state in (process(entropy=random.Random(7).randbytes) for _ in range(2))
    ]
    assert draws[0] == draws[1]


def test_a_u64_is_in_range():
    assert 0 <= random_u64(process()) < 1 << 64
