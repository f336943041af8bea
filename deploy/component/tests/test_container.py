"""Containers as real processes, with edges, control plane and gateway around them."""

import itertools
import signal
import subprocess

import numpy
import pytest
from component_peers import ControlPlane, Gateway, Peers, endpoint, inputs, outputs, parameters, stderr_of

from pie_component import limits
from pie_component.container import EXIT_REFUSED
from pie_flow import control, endpoint_link
from pie_flow.container import InputSpec, OutputSpec, PythonProgram, TransformationProgram
from pie_flow.envelope import Failure

ADD_ONE = "from pie_component import run\nrun(lambda value: value + 1)\n"


def test_a_function_makes_each_message_a_result_in_order() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        process = peers.start(peers.python(ADD_ONE, inputs=inputs(peers, "Int64"), outputs=outputs(peers, "Int64")))
        source.send(*range(2000))
        peers.until(lambda: len(sink.received) == 2000)
        assert sink.values == list(range(1, 2001))
        source.end()
        process.send_signal(signal.SIGTERM)
        assert peers.until(lambda: process.poll() is not None)
        assert process.returncode == 0


def test_a_container_starts_in_two_steps() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers, goes=False)
        sink = peers.sink("out0")
        spec = peers.python(ADD_ONE, inputs=inputs(peers, "Int64"), outputs=outputs(peers, "Int64"), control_address=plane.address)
        process = peers.start(spec)
        peers.until(lambda: "standby" in plane.steps())
        assert plane.steps() == ["imported", "configured", "standby"]
        hello = plane.heard(control.Hello)
        assert (hello.container_id, hello.secret, hello.pid) == ("c-1", "secret", process.pid)
        peers.source("in0")
        plane.say(control.Go())
        peers.until(lambda: plane.heard(control.Ready))
        assert plane.steps()[-1] == "connected"
        assert sink.consumer.is_connected


def test_a_request_waits_for_the_value_at_an_egress() -> None:
    with Peers() as peers:
        gateway = Gateway(peers)
        spec = peers.python(
            ADD_ONE,
            inputs=(InputSpec(type="Int64", address=None),),
            outputs=(OutputSpec(type="Int64", addresses=()),),
            endpoints=(endpoint("ask", into=0, respond=True), endpoint("answers", direction="egress", of=0)),
            endpoint_address=gateway.address,
        )
        peers.start(spec)
        gateway.request(7, "ask", b"41")
        message, body = peers.until(lambda: gateway.answers(7))[0]
        assert (message, body) == (endpoint_link.Emitted(id=7, endpoint="answers"), b"42")


def test_a_function_that_raises_sends_a_failure_on() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        text = "from pie_component import run\nrun(lambda value: 1 // value)\n"
        peers.start(peers.python(text, inputs=inputs(peers, "Int64"), outputs=outputs(peers, "Int64")))
        source.send(0, 1, correlation=5)
        peers.until(lambda: len(sink.received) == 2)
        assert sink.received == [
            (5, Failure("vertex", "ZeroDivisionError: integer division or modulo by zero")),
            (5, 1),
        ]


def test_a_new_value_of_a_parameter_comes_between_two_invocations() -> None:
    with Peers() as peers:
        plane, source, sink = ControlPlane(peers), peers.source("in0"), peers.sink("out0")
        text = "from pie_component import config, run\nrun(lambda value: value + config.more)\n"
        spec = peers.python(
            text,
            inputs=inputs(peers, "Int64"),
            outputs=outputs(peers, "Int64"),
            control_address=plane.address,
            parameters=parameters(more="10"),
        )
        peers.start(spec)
        source.send(1)
        peers.until(lambda: sink.values == [11])
        plane.say(control.SetConfig(seq=4, parameters={"more": "20"}))
        assert peers.until(lambda: plane.heard(control.ConfigApplied)) == control.ConfigApplied(seq=4)
        source.send(1)
        peers.until(lambda: sink.values == [11, 21])


def chain(peers: Peers, text: str, kind: str = "Int64", **fields: object) -> subprocess.Popen[bytes]:
    """A container between `in0` and `out0`."""
    return peers.start(peers.python(text, inputs=inputs(peers, kind), outputs=outputs(peers, kind), **fields))


def test_a_fast_producer_is_held_back_by_a_slow_consumer() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        sink.takes = False
        chain(peers, ADD_ONE)
        for start in range(0, 20_000, 100):
            source.send(*range(start, start + 100))
        peers.until(lambda: len(sink.queue) >= limits.WINDOW_MESSAGES)
        peers.until(lambda: not source.producer.outflow.may_send)
        assert len(sink.queue) <= limits.WINDOW_MESSAGES + limits.BATCH_MESSAGES_MAX
        sink.takes = True
        peers.until(lambda: len(sink.received) == 20_000)
        assert sink.values == list(range(1, 20_001))


def test_large_arrays_cross_two_edges_and_belong_to_who_gets_them() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0", "Tensor"), peers.sink("out0", "Tensor")
        chain(peers, "from pie_component import run\ndef double(frame):\n    frame *= 2\n    return frame\nrun(double)\n", "Tensor")
        frame = numpy.arange(1_000_000, dtype=numpy.float32).reshape(1000, 1000)
        for _ in range(5):
            source.send(frame)
        peers.until(lambda: len(sink.received) == 5)
        assert all(numpy.array_equal(value, frame * 2) for value in sink.values)


def test_a_container_that_starts_again_goes_on_and_what_was_lost_is_counted_and_told() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        text = "import os, signal\nfrom pie_component import run\ndef work(value):\n"
        text += "    if value == 5:\n        os.kill(os.getpid(), signal.SIGKILL)\n    return value\nrun(work)\n"
        process = chain(peers, text)
        source.send(1)
        peers.until(lambda: sink.values == [1])
        peers.until(lambda: source.producer.outflow.under_way == 0)
        source.send(5, 6, 7, correlation=9)
        peers.until(lambda: process.poll() is not None)
        chain(peers, text)
        source.send(8)
        peers.until(lambda: 8 in sink.values)
        lost = Failure("source", "lost when the next vertex was started again")
        assert sink.received == [(0, 1), (9, lost), (9, lost), (9, lost), (0, 8)]
        assert source.producer.outflow.lost == 3


def test_a_consumer_goes_on_with_a_producer_that_starts_again() -> None:
    with Peers() as peers:
        first, sink = peers.source("in0", session=11), peers.sink("out0")
        chain(peers, ADD_ONE)
        first.send(1)
        peers.until(lambda: sink.values == [2])
        first.producer.close(0)
        peers.turns.remove(first.turn)
        peers.source("in0", session=12).send(2)
        peers.until(lambda: sink.values == [2, 3])


def test_a_state_survives_a_kill() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        text = "from pie_component import run\ndef add(value, *, state):\n"
        text += "    return {'output': state + value, 'state': state + value}\nrun(add, initial_state=0)\n"
        process = chain(peers, text)
        source.send(1, 2, 3)
        peers.until(lambda: sink.values == [1, 3, 6])
        process.kill()
        process.wait()
        chain(peers, text)
        source.send(4)
        peers.until(lambda: 10 in sink.values)


SLOW = """
import time
from pathlib import Path
from pie_component import run
def slow(value):
    Path('begun').touch()
    time.sleep(0.2)
    return value
run(slow)
"""


def test_what_was_accepted_before_sigterm_is_done_and_its_results_arrive() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        process = chain(peers, SLOW)
        source.send(1, 2, 3)
        peers.until((peers.folder / "work" / "begun").exists)
        source.end()
        process.send_signal(signal.SIGTERM)
        peers.until(lambda: process.poll() is not None)
        peers.until(lambda: sink.values == [1, 2, 3])
        assert process.returncode == 0
        assert sink.consumer.intake.is_over


def test_a_container_ends_after_those_before_it() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        process = chain(peers, ADD_ONE)
        source.send(1)
        peers.until(lambda: sink.values == [2])
        process.send_signal(signal.SIGTERM)
        source.send(2)  # it was on its way to it
        peers.until(lambda: sink.values == [2, 3])
        assert process.poll() is None
        source.end()
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 0


def test_containers_that_are_told_to_end_together_end_along_the_graph() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        between = peers.address("between")
        first = peers.start(
            peers.python(SLOW, inputs=inputs(peers, "Int64"), outputs=(OutputSpec(type="Int64", addresses=(between,)),))
        )
        (peers.folder / "second").mkdir()
        (peers.folder / "second" / "main.py").write_text(ADD_ONE)
        spec = peers.spec(
            PythonProgram(entry="main.py"),
            component_folder=str(peers.folder / "second"),
            inputs=(InputSpec(type="Int64", address=between),),
            outputs=outputs(peers, "Int64"),
        )
        second = peers.start(spec, name="second.json")
        source.send(1, 2, 3)
        peers.until(lambda: sink.values == [2])
        for process in (first, second):
            process.send_signal(signal.SIGTERM)
        source.end()
        peers.until(lambda: first.poll() is not None and second.poll() is not None)
        peers.until(lambda: sink.values == [2, 3, 4])


@pytest.mark.slow
def test_what_is_not_done_in_time_is_given_up_and_said() -> None:
    with Peers() as peers:
        source = peers.source("in0")
        process = chain(peers, SLOW.replace("0.2", "1.5"))
        source.send(*range(10))
        peers.until((peers.folder / "work" / "begun").exists)
        process.send_signal(signal.SIGTERM)
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 0
        assert "messages were waiting at the end, and are lost" in stderr_of(process)


def test_requests_that_came_before_sigterm_are_answered() -> None:
    with Peers() as peers:
        gateway = Gateway(peers)
        spec = peers.python(
            SLOW,
            inputs=(InputSpec(type="Int64", address=None),),
            outputs=(OutputSpec(type="Int64", addresses=()),),
            endpoints=(endpoint("ask", into=0, respond=True), endpoint("answers", direction="egress", of=0)),
            endpoint_address=gateway.address,
        )
        process = peers.start(spec)
        gateway.request(1, "ask", b"41")
        gateway.request(2, "ask", b"42")
        peers.until((peers.folder / "work" / "begun").exists)
        process.send_signal(signal.SIGTERM)
        peers.until(lambda: gateway.answers(1) and gateway.answers(2))
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 0


def test_a_source_makes_nothing_new_after_sigterm() -> None:
    with Peers() as peers:
        sink = peers.sink("out0")
        text = "import itertools, time\nfrom pie_component import run\nnumbers = itertools.count()\n"
        text += "def tick():\n    time.sleep(0.01)\n    return next(numbers)\nrun(tick)\n"
        process = peers.start(peers.python(text, outputs=outputs(peers, "Int64")))
        peers.until(lambda: len(sink.values) > 3)
        process.send_signal(signal.SIGTERM)
        peers.until(lambda: sink.consumer.intake.is_over)
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 0


def test_threads_of_the_components_own_push_nothing_after_sigterm_and_what_they_pushed_is_done() -> None:
    with Peers() as peers:
        sink = peers.sink("out0")
        text = "import itertools, threading, time\nfrom pie_component import run, virtual_input\n"
        text += "def push():\n    for number in itertools.count():\n        virtual_input.push(number)\n"
        text += "threading.Thread(target=push, daemon=True).start()\n"
        text += "def slow(*, virtual_input):\n    time.sleep(0.001)\n    return virtual_input\nrun(slow)\n"
        process = peers.start(peers.python(text, outputs=outputs(peers, "Int64")))
        peers.until(lambda: len(sink.values) > 3)
        process.send_signal(signal.SIGTERM)
        peers.until(lambda: process.poll() is not None)
        peers.until(lambda: sink.consumer.intake.is_over)
        assert sink.values == list(range(len(sink.values)))


def test_a_container_that_stands_by_ends_when_told() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers, goes=False)
        process = chain(peers, ADD_ONE, control_address=plane.address)
        peers.until(lambda: "standby" in plane.steps())
        process.send_signal(signal.SIGTERM)
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("text", "fields", "problem"),
    [
        pytest.param("from pie_component import config\nconfig.level\n", {}, "config.level", id="missing-parameter"),
        pytest.param("x = 1\n", {}, "without calling run", id="no-run"),
        pytest.param("from pie_component import run\nrun(lambda: 1)\n", {}, "does not take its inputs", id="signature"),
        pytest.param("import nowhere_to_be_found\n", {}, "nowhere_to_be_found", id="missing-module"),
        pytest.param("def x(:\n", {}, "invalid syntax", id="syntax"),
        pytest.param("import pie_component as pie\npie.run(1)\n", {}, "not callable", id="no-function"),
        pytest.param(ADD_ONE, {"parameters": parameters(level="high")}, "parameter level", id="bad-literal"),
        pytest.param(ADD_ONE, {"files": {"words": "/nowhere"}}, "words", id="missing-file"),
    ],
)
def test_a_precondition_that_does_not_hold_is_told_and_ends_the_container(
    text: str, fields: dict[str, object], problem: str
) -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        process = chain(peers, text, control_address=plane.address, **fields)
        refused = peers.until(lambda: plane.heard(control.Refused))
        assert refused.reason == "precondition"
        assert problem in refused.message
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == EXIT_REFUSED


def test_an_address_that_cannot_be_bound_is_told_as_a_matter_of_transport() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        spec = peers.python(
            ADD_ONE, inputs=(InputSpec(type="Int64", address="ipc:///nowhere/edge"),), control_address=plane.address
        )
        process = peers.start(spec)
        assert peers.until(lambda: plane.heard(control.Refused)).reason == "transport"
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == EXIT_REFUSED


def test_a_module_that_raises_ends_the_container_with_its_traceback() -> None:
    with Peers() as peers:
        process = chain(peers, "raise RuntimeError('no model')\n")
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 1
        assert "RuntimeError: no model" in stderr_of(process)


def test_a_new_control_plane_is_greeted() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        source, sink = peers.source("in0"), peers.sink("out0")
        chain(peers, ADD_ONE, control_address=plane.address)
        source.send(1)
        peers.until(lambda: plane.heard(control.Ready) and sink.values == [2])
        plane.close()
        again = ControlPlane(peers)
        hello = peers.until(lambda: again.heard(control.Hello))
        assert (hello.step, hello.incarnation) == ("ready", plane.heard(control.Hello).incarnation)


def pulse_after(plane: ControlPlane, messages: int) -> control.Pulse | None:
    """The newest pulse, if so many messages have gone out."""
    pulse = plane.heard(control.Pulse)
    return pulse if pulse is not None and [one.messages for one in pulse.outputs] == [messages] else None


def test_pulses_tell_what_went_over_the_edges() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        source, sink = peers.source("in0"), peers.sink("out0")
        chain(peers, "from pie_component import run\nrun(lambda value: 1 // value)\n", control_address=plane.address)
        source.send(0, 1, 1)
        peers.until(lambda: len(sink.received) == 3)
        pulse = peers.until(lambda: pulse_after(plane, 3))
        assert (pulse.ticks, pulse.failures) == (3, 1)
        assert [(one.messages, one.lost) for one in (*pulse.inputs, *pulse.outputs)] == [(3, 0), (3, 0)]


def test_a_subscriber_that_raises_is_reported_and_the_old_value_stays() -> None:
    with Peers() as peers:
        plane, source, sink = ControlPlane(peers), peers.source("in0"), peers.sink("out0")
        text = "from pie_component import config, run\n@config.subscribe\ndef refuse(name, old, new):\n"
        text += "    raise ValueError(f'{name} {old} {new}')\nrun(lambda value: value + config.more)\n"
        chain(peers, text, control_address=plane.address, parameters=parameters(more="10"))
        peers.until(lambda: plane.heard(control.Ready))
        plane.say(control.SetConfig(seq=4, parameters={"more": "20"}))
        applied = peers.until(lambda: plane.heard(control.ConfigApplied))
        assert applied.errors == {"more": "ValueError: more 10 20"}
        source.send(1)
        peers.until(lambda: sink.values == [11])


def test_a_finite_source_ends_when_everything_is_sent() -> None:
    with Peers() as peers:
        sink = peers.sink("out0")
        text = "from pie_component import run\ndef source():\n    yield from range(3000)\nrun(source)\n"
        process = peers.start(peers.python(text, outputs=outputs(peers, "Int64"), finite=True))
        peers.until(lambda: process.poll() is not None)
        peers.until(lambda: len(sink.received) == 3000)
        assert process.returncode == 0


def test_values_come_from_the_outside_and_go_there() -> None:
    with Peers() as peers:
        sink = peers.sink("out0")
        text = "import threading\nfrom pathlib import Path\nfrom pie_component import run, virtual_input, virtual_out\n"
        text += "def feed():\n    for number in range(3):\n        virtual_input.push(number)\n"
        text += "virtual_out.set_on_push(lambda value: Path(f'seen{value}').touch())\n"
        text += "threading.Thread(target=feed, daemon=True).start()\n"
        text += "def work(virtual_input):\n    return virtual_input * 2, virtual_input\nrun(work, use_virtual_output=True)\n"
        peers.start(peers.python(text, outputs=outputs(peers, "Int64")))
        peers.until(lambda: sink.values == [0, 2, 4])
        peers.until((peers.folder / "work" / "seen2").exists)


def test_a_component_that_says_so_is_ready_later() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        text = "import threading, time\nfrom pathlib import Path\nfrom pie_component import ready, run\nready.later()\n"
        text += "def load():\n    while not Path('model').exists():\n        time.sleep(0.01)\n    ready()\n"
        text += "threading.Thread(target=load, daemon=True).start()\nrun()\n"
        peers.start(peers.python(text, control_address=plane.address))
        peers.until(lambda: "connected" in plane.steps())
        assert plane.heard(control.Ready) is None
        (peers.folder / "work" / "model").touch()
        peers.until(lambda: plane.heard(control.Ready))


def test_a_transformation_runs_like_any_vertex() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        left, right, sink = peers.source("in0"), peers.source("in1", "String"), peers.sink("out0", "(Int64, String)")
        spec = peers.spec(
            TransformationProgram(name="zip"),
            component_folder=None,
            inputs=inputs(peers, "Int64", "String"),
            outputs=outputs(peers, "(Int64, String)"),
            control_address=plane.address,
        )
        peers.start(spec)
        left.send(1, 2)
        right.send("a", "b")
        peers.until(lambda: sink.values == [(1, "a"), (2, "b")] and plane.heard(control.Ready))
        assert plane.steps() == ["imported", "configured", "standby", "connected"]


def test_generated_files_lie_in_their_folder() -> None:
    with Peers() as peers:
        text = "from pie_component import cache_folder, generated, run\ngenerated('report').write_text('done')\n"
        text += "(cache_folder() / 'model').touch()\nrun()\n"
        peers.start(peers.python(text))
        peers.until((peers.folder / "generated" / "report").exists)
        peers.until((peers.folder / "cache" / "model").exists)


def test_a_container_that_still_imports_ends_at_once_when_told() -> None:
    with Peers() as peers:
        text = "from pathlib import Path\nimport time\nPath('begun').touch()\ntime.sleep(600)\n"
        process = chain(peers, text)
        peers.until((peers.folder / "work" / "begun").exists)
        process.send_signal(signal.SIGTERM)
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 0


@pytest.mark.slow
def test_a_thread_of_the_components_own_does_not_hold_up_the_end() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        text = "import threading, time\nfrom pie_component import run\n"
        text += "threading.Thread(target=time.sleep, args=(600,)).start()\nrun()\n"
        process = peers.start(peers.python(text, control_address=plane.address))
        peers.until(lambda: plane.heard(control.Ready))
        process.send_signal(signal.SIGTERM)
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 0


def test_a_source_that_raises_ends_its_container() -> None:
    with Peers() as peers:
        text = "from pie_component import run\ndef source():\n    raise RuntimeError('no camera')\nrun(source)\n"
        process = peers.start(peers.python(text))
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 1
        assert "no camera" in stderr_of(process)


def test_a_handler_puts_a_request_into_the_graph_and_leaves_the_answer_to_an_egress() -> None:
    with Peers() as peers:
        gateway = Gateway(peers)
        text = "from pie_component import endpoint, run, virtual_input\n@endpoint('ask')\ndef ask(request):\n"
        text += "    virtual_input.push(int(request.text()), request.id)\n"
        text += "run(lambda virtual_input: virtual_input + 1)\n"
        spec = peers.python(
            text,
            outputs=(OutputSpec(type="Int64", addresses=()),),
            endpoints=(endpoint("ask", respond=True), endpoint("answers", direction="egress", of=0)),
            endpoint_address=gateway.address,
        )
        peers.start(spec)
        gateway.request(7, "ask", b"41")
        assert peers.until(lambda: gateway.answers(7, endpoint_link.Emitted))[0][1] == b"42"
        assert gateway.answers(7, endpoint_link.Response) == []


def test_a_component_shows_values_of_its_own_at_an_egress() -> None:
    with Peers() as peers:
        gateway = Gateway(peers)
        text = "import threading, time\nfrom pie_component import endpoint, run\n"
        text += "def show():\n    while True:\n        time.sleep(0.01)\n        endpoint.emit('news', 5)\n"
        text += "def begin():\n    threading.Thread(target=show, daemon=True).start()\n"
        text += "@endpoint('start')\ndef start(request):\n    begin()\nrun()\n"
        spec = peers.python(
            text,
            endpoints=(endpoint("start"), endpoint("news", direction="egress")),
            endpoint_address=gateway.address,
        )
        peers.start(spec)
        gateway.request(1, "news", method="GET")
        gateway.request(2, "start")
        peers.until(lambda: b"data: 5\n\n" in gateway.body(1))
        assert gateway.answers(2)[0][0].status == 204


def test_debugging_traces_what_crosses_an_edge() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        process = chain(peers, ADD_ONE, debug=True)
        source.send(1, correlation=77)
        peers.until(lambda: sink.values == [2])
        source.end()
        process.send_signal(signal.SIGTERM)
        text = stderr_of(process)
        assert "in 0: 1 messages" in text
        assert "out 0: 1 messages" in text
        assert "77" in text


def test_a_handler_of_an_endpoint_that_is_not_declared_is_a_precondition_that_does_not_hold() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        text = "from pie_component import endpoint, run\n@endpoint('lsit')\ndef own(request):\n    return 1\nrun()\n"
        spec = peers.python(
            text, endpoints=(endpoint("list"),), endpoint_address=peers.address("link"), control_address=plane.address
        )
        peers.start(spec)
        assert "lsit" in peers.until(lambda: plane.heard(control.Refused)).message


def test_an_egress_may_be_served_by_a_handler() -> None:
    with Peers() as peers:
        gateway = Gateway(peers)
        text = (
            "from pie_component import endpoint, run\n@endpoint('film')\ndef own(request):\n    yield b'a'\n    yield b'b'\nrun()\n"
        )
        spec = peers.python(text, endpoints=(endpoint("film", direction="egress"),), endpoint_address=gateway.address)
        peers.start(spec)
        gateway.request(1, "film", method="GET")
        peers.until(lambda: gateway.body(1) == b"ab")


def test_kills_lose_messages_but_never_order_and_never_bring_one_twice() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        process = chain(peers, ADD_ONE)
        sent = 0
        for kill in range(5):
            for _ in range(40):
                source.send(*range(sent, sent + 50))
                sent += 50
                peers.until(lambda: source.output.has_room)
            peers.until(lambda: len(sink.received) > 100 * kill)  # noqa: B023
            process.kill()
            process.wait()
            process = chain(peers, ADD_ONE)
        source.send(-1)
        peers.until(lambda: 0 in sink.values[1:])
        arrived = [value for value in sink.values if isinstance(value, int) and value > 0]
        assert all(before < after for before, after in itertools.pairwise(arrived))
        assert sent - len(arrived) <= source.producer.outflow.lost + limits.WINDOW_MESSAGES * 5
        assert arrived[-1] == sent
