"""Vertices that run their messages through a program on an engine: real containers, and an engine without an engine."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from component_peers import ControlPlane, Peers, inputs, outputs, parameters

from fake_engine import FakeEngine, FakeProcess
from pie_flow import control
from pie_flow.container import InferletProgram
from pie_flow.envelope import Failure


class Engine:
    """A fake engine on a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.fake = FakeEngine()
        self.call(self.fake.__aenter__())
        self.fake.programs |= {"answer": answer, "tell": tell, "fail": fail}

    def call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def close(self) -> None:
        self.call(self.fake.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def answer(process: FakeProcess) -> None:
    """Later messages are answered sooner."""
    await asyncio.sleep(max(0.0, 0.1 - process.input.get("input", 0) / 50))
    await process.end("return", json.dumps(process.input))


async def tell(process: FakeProcess) -> None:
    for word in process.input["text"].split():
        await process.say("message", word)
    await process.end("return", process.input["text"])


async def fail(process: FakeProcess) -> None:
    await process.end("error", "out of memory")


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def start(peers: Peers, engine: Engine, program: str, input_kind: str, *output_kinds: str, **fields: Any) -> None:
    peers.start(
        peers.spec(
            InferletProgram(program=program, engine=engine.fake.uri),
            inputs=inputs(peers, input_kind),
            outputs=outputs(peers, *output_kinds),
            **fields,
        )
    )


def test_each_message_is_a_process_and_results_keep_their_order(engine: Engine) -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0", "{input: Int64}")
        start(peers, engine, "answer", "Int64", "{input: Int64}")
        source.send(*range(6), correlation=4)
        peers.until(lambda: len(sink.received) == 6)
        assert sink.received == [(4, {"input": number}) for number in range(6)]


def test_a_record_is_the_input_and_parameters_are_added_but_not_the_engine(engine: Engine) -> None:
    kind = "{prompt: String, most: Int64}"
    with Peers() as peers:
        source, sink = peers.source("in0", "{prompt: String}"), peers.sink("out0", kind)
        given = parameters(most="3", engine=("String", '"vertex://engine/api"'))
        start(peers, engine, "answer", "{prompt: String}", kind, parameters=given)
        source.send({"prompt": "Hi"})
        peers.until(lambda: sink.values == [{"prompt": "Hi", "most": 3}])


def test_messages_that_a_program_sends_come_at_the_second_output(engine: Engine) -> None:
    with Peers() as peers:
        source = peers.source("in0", "{text: String}")
        returned, told = peers.sink("out0", "String"), peers.sink("out1", "String")
        start(peers, engine, "tell", "{text: String}", "String", "String")
        source.send({"text": "a b"})
        peers.until(lambda: returned.values == ["a b"] and told.values == ["a", "b"])


def test_a_process_that_fails_is_a_failure_of_its_message(engine: Engine) -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0", "String")
        start(peers, engine, "fail", "Int64", "String")
        source.send(1, correlation=3)
        peers.until(lambda: sink.received == [(3, Failure("vertex", "ProcessFailedError: out of memory"))])


def test_the_vertex_is_ready_when_the_engine_is_there_and_goes_on_after_it_was_away(engine: Engine) -> None:
    engine.fake.refusing = True
    with Peers() as peers:
        plane, source, sink = ControlPlane(peers), peers.source("in0"), peers.sink("out0", "{input: Int64}")
        start(peers, engine, "answer", "Int64", "{input: Int64}", control_address=plane.address)
        peers.until(lambda: "standby" in plane.steps())
        engine.fake.refusing = False
        peers.until(lambda: plane.heard(control.Ready))
        source.send(7)
        peers.until(lambda: len(sink.received) == 1)
        engine.call(engine.fake.drop())
        source.send(8)
        peers.until(lambda: len(sink.received) == 2)
        assert sink.values == [{"input": 7}, {"input": 8}]


def test_a_program_that_the_component_brings_is_installed_once(engine: Engine) -> None:
    engine.fake.programs["own"] = answer
    with Peers() as peers:
        (peers.folder / "own.wasm").write_bytes(b"\0asm")
        (peers.folder / "Pie.toml").write_text('[package]\nname = "own"\nversion = "0.1.0"\n')
        source, sink = peers.source("in0"), peers.sink("out0", "{input: Int64}")
        start(peers, engine, "own.wasm", "Int64", "{input: Int64}")
        source.send(1)
        peers.until(lambda: sink.values == [{"input": 1}])
    assert list(engine.fake.installed) == ["own@0.1.0"]


def test_a_program_without_a_manifest_is_a_precondition_that_does_not_hold(engine: Engine) -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        start(peers, engine, "own.wasm", "Int64", "String", control_address=plane.address)
        assert "Pie.toml" in peers.until(lambda: plane.heard(control.Refused)).message
