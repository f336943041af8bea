"""What stands around a container in the tests of `pie_component`: vertices before and after it, control plane, gateway."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import zmq

from pie_component.edges.consumer import Consumer, Queue
from pie_component.edges.producer import Producer
from pie_component.forms import decoded_kind, needs_marks
from pie_component.slots import Output
from pie_flow import container as specs
from pie_flow import control
from pie_flow import endpoint_link as link
from pie_flow.catalogue import CATALOGUE

TIMEOUT_S = 20.0
"""Generous: machines are slow and loaded."""


class Peers:
    """A short folder for sockets, and everything that talks to the container; closed with the `with` block."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))
        self.zmq_context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.turns: list[Callable[[], None]] = []
        self._closing: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        for close in self._closing:
            close()
        self.zmq_context.destroy(linger=0)
        shutil.rmtree(self.folder)

    def address(self, name: str) -> str:
        return f"ipc://{self.folder}/{name}"

    def on_turn(self, turn: Callable[[], None], close: Callable[[], None]) -> None:
        self.turns.append(turn)
        self._closing.append(close)

    def until(self, holds: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> Any:
        """Turn all peers until something holds; its value. Fails when it does not in time."""
        deadline_s = time.monotonic() + timeout_s
        while not (value := holds()):
            assert time.monotonic() < deadline_s, "timed out"
            for turn in self.turns:
                turn()
            time.sleep(0.001)
        return value

    def source(self, name: str, kind: str = "Int64", session: int = 1) -> "Source":
        """A vertex before the container."""
        return Source(self, self.address(name), kind, session)

    def sink(self, name: str, kind: str = "Int64", session: int = 2) -> "Sink":
        """A vertex after the container."""
        return Sink(self, self.address(name), kind, session)

    def start(self, spec: specs.ContainerSpec, *, name: str = "spec.json") -> subprocess.Popen[bytes]:
        """The real process."""
        path = self.folder / name
        path.write_bytes(specs.encode(spec))
        environment = {**os.environ, specs.SPEC_VARIABLE: str(path)}
        process = subprocess.Popen([sys.executable, "-m", "pie_component"], env=environment, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def spec(self, program: specs.Program, **fields: Any) -> specs.ContainerSpec:
        """A spec whose folders exist."""
        folders = {name: self.folder / name for name in ("work", "generated", "cache")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        given: dict[str, Any] = {
            "container_id": "c-1",
            "deployment_id": "d-1",
            "vertex": "vertex",
            "generation": 1,
            "secret": "secret",
            "program": program,
            "component_folder": str(self.folder),
            "control_address": None,
            **{f"{name}_folder": str(folder) for name, folder in folders.items()},
        }
        return specs.ContainerSpec(**(given | fields))

    def python(self, text: str, **fields: Any) -> specs.ContainerSpec:
        """A Python component with this as its module."""
        (self.folder / "main.py").write_text(text)
        return self.spec(specs.PythonProgram(entry="main.py"), **fields)


def inputs(peers: Peers, *kinds: str) -> tuple[specs.InputSpec, ...]:
    """Input N at the address `inN`."""
    return tuple(specs.InputSpec(type=kind, address=peers.address(f"in{index}")) for index, kind in enumerate(kinds))


def outputs(peers: Peers, *kinds: str) -> tuple[specs.OutputSpec, ...]:
    """Output N to the address `outN`."""
    return tuple(specs.OutputSpec(type=kind, addresses=(peers.address(f"out{index}"),)) for index, kind in enumerate(kinds))


class Source:
    """The producer of one edge."""

    def __init__(self, peers: Peers, address: str, kind: str, session: int) -> None:
        self.output = Output(0, CATALOGUE.parse(kind), "source")
        self.producer = Producer(peers.zmq_context, address, session, self.output.lost)
        self.output.producers = [self.producer]
        peers.on_turn(self.turn, lambda: self.producer.close(0))

    def send(self, *values: Any, correlation: int = 0) -> None:
        for value in values:
            self.output.put(correlation, self.output.conform(value))
        self.output.flush()

    def end(self) -> None:
        self.producer.end()

    def turn(self) -> None:
        events = self.producer.socket.getsockopt(zmq.EVENTS)
        assert isinstance(events, int)
        self.producer.handle(events & self.producer.events, time.monotonic())
        self.producer.tend(time.monotonic())


class Sink:
    """The consumer of one edge."""

    def __init__(self, peers: Peers, address: str, kind: str, session: int) -> None:
        parsed = CATALOGUE.parse(kind)
        self.queue: Queue = deque()
        decoded = Any if needs_marks(parsed) else decoded_kind(parsed)
        self.consumer = Consumer(peers.zmq_context, address, self.queue, decoded, session)
        self.received: list[tuple[int, Any]] = []
        self.takes = True
        peers.on_turn(self.turn, self.consumer.close)

    @property
    def values(self) -> list[Any]:
        return [value for _, value in self.received]

    def turn(self) -> None:
        events = self.consumer.socket.getsockopt(zmq.EVENTS)
        assert isinstance(events, int)
        self.consumer.handle(events & self.consumer.events)
        if self.takes:
            self.received.extend(self.queue)
            self.queue.clear()
        self.consumer.tend()


class ControlPlane:
    """The other end of the control link."""

    def __init__(self, peers: Peers, name: str = "control", *, goes: bool = True) -> None:
        self.address = peers.address(name)
        self.said: list[control.FromContainer] = []
        self.goes = goes
        """Whether it says `Go` to who stands by."""
        self._socket = peers.zmq_context.socket(zmq.ROUTER)
        self._socket.bind(self.address)
        self._peer = b""
        peers.on_turn(self.turn, self.close)

    def close(self) -> None:
        self._socket.close(linger=0)

    def say(self, message: control.ToContainer) -> None:
        self._socket.send_multipart([self._peer, msgspec.msgpack.encode(message)])

    def steps(self) -> list[str]:
        return [message.step for message in self.said if isinstance(message, control.Step)]

    def heard(self, kind: type) -> Any:
        """The newest message of a kind, or None."""
        return next((message for message in reversed(self.said) if isinstance(message, kind)), None)

    def turn(self) -> None:
        if self._socket.closed or not self._socket.poll(0):
            return
        self._peer, frame = self._socket.recv_multipart()
        message: control.FromContainer = msgspec.msgpack.decode(frame, type=control.FromContainer)
        self.said.append(message)
        if isinstance(message, control.Hello):
            self.say(control.Welcome())
        stands_by = getattr(message, "step", "") == "standby"
        if stands_by and self.goes:
            self.say(control.Go())


class Gateway:
    """The other end of the endpoint link."""

    def __init__(self, peers: Peers, name: str = "endpoints") -> None:
        self.address = peers.address(name)
        self.said: list[tuple[link.FromContainer, bytes]] = []
        self._context = peers.zmq_context
        self.connect()
        peers.on_turn(self.turn, self.close)

    def connect(self) -> None:
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.ROUTING_ID, link.GATEWAY_ID)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._socket.connect(self.address)

    def close(self) -> None:
        self._socket.close(linger=0)

    def say(self, message: link.FromGateway, body: bytes = b"") -> None:
        self._socket.send_multipart([msgspec.msgpack.encode(message), body])

    def say_frames(self, frames: Sequence[bytes]) -> None:
        self._socket.send_multipart(frames)

    def request(self, request_id: int, endpoint: str, body: bytes = b"", **fields: Any) -> None:
        given: dict[str, Any] = {"method": "POST", "path": "/"}
        self.say(link.Request(id=request_id, endpoint=endpoint, **(given | fields)), body)

    def answers(self, request_id: int, kind: type = object) -> list[tuple[Any, bytes]]:
        """What was said about a request."""
        return [(message, body) for message, body in self.said if message.id == request_id and isinstance(message, kind)]

    def body(self, request_id: int) -> bytes:
        return b"".join(body for message, body in self.answers(request_id) if isinstance(message, link.Response | link.Body))

    def turn(self) -> None:
        while not self._socket.closed and self._socket.poll(0):
            head, body = self._socket.recv_multipart()
            self.said.append((msgspec.msgpack.decode(head, type=link.FromContainer), body))


def parameters(**literals: str | tuple[str, str]) -> Mapping[str, specs.ParameterSpec]:
    """Parameters by name: a literal of an Int64, or type and literal. All mutable."""
    pairs = {name: given if isinstance(given, tuple) else ("Int64", given) for name, given in literals.items()}
    return {name: specs.ParameterSpec(type=kind, value=text, mutable=True) for name, (kind, text) in pairs.items()}


def endpoint(name: str, kind: str = "Int64", **fields: Any) -> specs.EndpointSpec:
    given: dict[str, Any] = {"direction": "ingress", "transports": ("http", "ws")}
    return specs.EndpointSpec(name=name, type=kind, **(given | fields))


def stderr_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.read().decode()
