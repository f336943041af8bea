import asyncio
from typing import Any

import pytest
from scripted_engine import Engine, Run

from inferlet import session


class Answer:
    def model_dump_json(self):
        return '{"modelled": true}'


@pytest.mark.parametrize(
    ("message", "text"),
    [("plain", "plain"), ({"n": 3}, '{"n": 3}'), ([1, None], "[1, null]"), (True, "true"), (Answer(), '{"modelled": true}')],
)
def test_strings_are_sent_as_they_are_and_the_rest_as_json(engine: Engine, message: Any, text: Any) -> None:
    session.send(message)
    assert engine.sent == [text]


def test_what_json_does_not_know_is_sent_as_its_text(engine: Engine) -> None:
    session.send({"at": 1j})
    assert engine.sent == ['{"at": "1j"}']


def test_messages_are_received_in_order(engine: Engine, run: Run) -> None:
    engine.incoming = [(5, "first"), (3, "second")]

    async def main():
        return [await session.receive(), await session.receive()]

    assert run(main()) == ["first", "second"]


def test_other_tasks_run_while_a_message_is_waited_for(engine: Engine, run: Run) -> None:
    engine.incoming = [(10_000_000, "late")]

    async def main():
        await asyncio.gather(receiving := asyncio.create_task(session.receive()), asyncio.sleep(0.001))
        return receiving.result()

    assert run(main()) == "late"


def test_a_client_that_goes_away_is_the_end_of_its_messages(engine: Engine, run: Run) -> None:
    engine.incoming = [(0, None)]
    with pytest.raises(EOFError):
        run(session.receive())
