import asyncio
from typing import Any

import pytest
from scripted_engine import Engine, Run

from inferlet import HostError, session


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


def test_a_file_is_sent_whole_however_large(engine: Engine) -> None:
    content = bytes(range(256)) * 2048
    session.send_file(content, "a.bin")
    session.send_file(memoryview(b"view"))
    session.send_file(b"")
    assert engine.sent_files == [("a.bin", content), ("", b"view"), ("", b"")]


def test_a_file_the_engine_refuses_is_an_error(engine: Engine) -> None:
    engine.faults["outgoing-file.send"] = ("invalid-argument", "its name is too long")
    with pytest.raises(HostError, match="too long"):
        session.send_file(b"x", "y" * 1000)


def test_files_are_received_in_order_and_are_bytes_with_a_name(engine: Engine, run: Run) -> None:
    large = bytes(range(256)) * 2048
    engine.incoming_files = [(5, "large", large), (3, "", b"")]

    async def main():
        return [await session.receive_file(), await session.receive_file()]

    files = run(main())
    assert files == [large, b""]
    assert [file.name for file in files] == ["large", ""]


def test_other_tasks_run_while_a_file_is_waited_for(engine: Engine, run: Run) -> None:
    engine.incoming_files = [(10_000_000, "", b"late")]

    async def main():
        await asyncio.gather(receiving := asyncio.create_task(session.receive_file()), asyncio.sleep(0.001))
        return receiving.result()

    assert run(main()) == b"late"


def test_a_client_that_goes_away_is_the_end_of_its_files(engine: Engine, run: Run) -> None:
    engine.incoming_files = [(0, "", None)]
    with pytest.raises(EOFError):
        run(session.receive_file())
