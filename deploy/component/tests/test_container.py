"""Containers as real processes, with edges, control plane and gateway around them."""

import signal

from component_peers import ControlPlane, Gateway, Peers, endpoint, inputs, outputs, parameters

from pie_flow import control, endpoint_link
from pie_flow.container import InputSpec, OutputSpec
from pie_flow.envelope import Failure

ADD_ONE = "from pie_component import run\nrun(lambda value: value + 1)\n"


def test_a_function_makes_each_message_a_result_in_order() -> None:
    with Peers() as peers:
        source, sink = peers.source("in0"), peers.sink("out0")
        process = peers.start(peers.python(ADD_ONE, inputs=inputs(peers, "Int64"), outputs=outputs(peers, "Int64")))
        source.send(*range(2000))
        peers.until(lambda: len(sink.received) == 2000)
        assert sink.values == list(range(1, 2001))
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
