"""A real component, built by componentize-qjs, in the real sandbox."""

import pytest

from wasi.fakes import ShiftedClock, process

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_javascript_guest_takes_the_time_and_sleeps(javascript):
    answer = await javascript.run(process(clock=ShiftedClock()), {"sleep_ns": 5_000_000})
    assert answer["now"] == 1_000_000_000_500
    assert answer["random"][0] != answer["random"][1]
    assert answer["ready"] == [0]
    assert answer["slept_ns"] >= 5_000_000


async def test_what_a_guest_throws_comes_back_as_its_words(javascript):
    with pytest.raises(RuntimeError, match="boom"):
        await javascript.run(process(), {"fail": "boom"})
