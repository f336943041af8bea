import asyncio

from pie.sandbox.turns import Turns


class Spinner:
    """Uses up its slice a number of times."""

    def __init__(self, name, turns, log, slices):
        self._name, self._turns, self._log, self._slices = name, turns, log, slices

    def poll(self):
        self._log.append(self._name)
        self._slices -= 1
        if self._slices:
            self._turns.queue(self)


async def test_those_who_compute_take_turns_one_per_round_of_the_loop():
    turns, log = Turns(), []
    for name, slices in (("a", 3), ("b", 2)):
        turns.queue(Spinner(name, turns, log, slices))
    for round_number in range(1, 6):
        await asyncio.sleep(0)
        assert len(log) == round_number
    assert "".join(log) == "ababa"
    await asyncio.sleep(0)
    assert len(log) == 5


async def test_one_that_raises_does_not_keep_the_others_waiting(caplog):
    class Broken:
        def poll(self):
            raise ValueError

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    turns, log = Turns(), []
    turns.queue(Broken())
    turns.queue(Spinner("a", turns, log, 1))
    for _ in range(3):
        await asyncio.sleep(0)
    assert log == ["a"]
