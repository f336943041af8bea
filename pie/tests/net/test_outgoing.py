"""What a connection sends: answers first, then processes in turns, each in its own order, whatever happens in between."""

from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st

from pie.clock import ManualClock
from pie.engine.launched import LaunchedProcess
from pie.net.held import Held, HeldProcesses
from pie.net.kept import KeptLimits
from pie.net.outgoing import Outgoing
from pie.processes.events import EventQueue, ProcessEvent
from pie_wire.chunks import CHUNK_BYTES
from pie_wire.frames import decode_server_message
from pie_wire.messages import File, Response, ServerMessage
from pie_wire.messages import ProcessEvent as EventMessage


def table() -> HeldProcesses:
    return HeldProcesses(KeptLimits(100, 1 << 20, 10**12), ManualClock(), confirmed_after_ns=10**9)


def launched(name: str) -> LaunchedProcess:
    queue = EventQueue(events_max=1000, characters_max=1 << 30)
    process = SimpleNamespace(id=name, username="ada", events=queue)
    return cast("LaunchedProcess", SimpleNamespace(process=process, relay=None))


def held_by(outgoing: Outgoing, processes: HeldProcesses, name: str) -> Held:
    held = processes.add(launched(name))
    held.attach(outgoing)
    return held


def drained(outgoing: Outgoing) -> list[ServerMessage]:
    return [decode_server_message(frame) for frame in outgoing.frames()]


def message(text: str) -> ProcessEvent:
    return ProcessEvent("message", text)


def test_answers_go_before_events() -> None:
    outgoing = Outgoing()
    held = held_by(outgoing, table(), "p")
    held.events.put(message("event"))
    outgoing.answer(1, True, "p")
    assert drained(outgoing) == [Response(1, True, "p"), EventMessage("p", "message", "event")]


def test_processes_take_turns() -> None:
    outgoing, processes = Outgoing(), table()
    for name in "ab":
        held = held_by(outgoing, processes, name)
        for number in range(100):
            held.events.put(message(str(number)))
    first_hundred = [sent.process_id for sent in drained(outgoing)[:100]]
    assert 40 <= first_hundred.count("a") <= 60


def test_a_file_lets_the_events_of_others_pass_between_its_chunks() -> None:
    outgoing, processes = Outgoing(), table()
    large, quick = held_by(outgoing, processes, "large"), held_by(outgoing, processes, "quick")
    large.events.put(ProcessEvent("file", "", b"x" * (4 * CHUNK_BYTES)))
    large.events.put(message("after the file"))
    quick.events.put(message("quick"))
    sent = drained(outgoing)
    assert sent.index(EventMessage("quick", "message", "quick")) < 2
    assert sent[-1] == EventMessage("large", "message", "after the file")


def test_a_process_is_forgotten_once_its_terminal_event_was_sent() -> None:
    outgoing, processes = Outgoing(), table()
    held = held_by(outgoing, processes, "p")
    held.events.put(ProcessEvent("return", "done"))
    frames = outgoing.frames()
    next(frames)
    assert len(processes) == 1
    assert next(frames, None) is None
    assert (len(processes), len(outgoing.processes)) == (0, 0)


def test_an_event_whose_frame_was_not_sent_is_not_lost() -> None:
    outgoing, processes = Outgoing(), table()
    held = held_by(outgoing, processes, "p")
    held.events.put(message("a"))
    held.events.put(ProcessEvent("return", "b"))
    frames = outgoing.frames()
    next(frames)
    processes.release(outgoing, properly=True)
    frames.close()
    processes.check()
    again = Outgoing()
    processes.attach("p", "ada", again)
    assert [sent.value for sent in drained(again)] == ["a", "b"]
    assert len(processes) == 0


class World:
    """Processes that talk, and two connections of one user that attach, read a little, and break."""

    def __init__(self) -> None:
        self.processes = table()
        self.connections = [Outgoing(), Outgoing()]
        self.frames: list[Iterator[bytes] | None] = [None, None]
        self.said: dict[str, list[str]] = {}
        self.got: dict[str, list[str]] = {}
        self.chunks: deque[File] = deque()
        for name in "abc":
            self.said[name], self.got[name] = [], []
            self.processes.add(launched(name)).attach(self.connections[0])

    def step(self, what: str, name: str, number: int) -> None:
        getattr(self, what)(name, number)
        self.processes.check()

    def talk(self, name: str, number: int) -> None:
        held = self.processes.get(name)
        if held is None or held.events.ended:
            return
        text = f"{name}{len(self.said[name])}"
        kind = ("message", "file", "return")[number] if len(self.said[name]) > 5 or number < 2 else "message"
        self.said[name].append(text)
        data = text.encode() + b"." * CHUNK_BYTES if kind == "file" else b""
        held.events.put(ProcessEvent(kind, "" if data else text, data))

    def attach(self, name: str, number: int) -> None:
        held = self.processes.get(name)
        outgoing = self.connections[number % 2]
        if held is not None and held.attachment is not outgoing:
            self.processes.attach(name, "ada", outgoing)

    def lose(self, _: str, number: int) -> None:
        """The connection breaks: the frame that was on its way is not sent."""
        self.processes.release(self.connections[number % 2], properly=False)
        self.frames[number % 2] = None
        self.connections[number % 2] = Outgoing()

    def send(self, _: str, number: int) -> None:
        """One frame is sent, if the next can be asked for before somebody else takes over."""
        index = number % 2
        frames = self.frames[index] = self.frames[index] or self.connections[index].frames()
        frame = next(frames, None)
        if frame is None:
            self.frames[index] = None
        else:
            self._note(decode_server_message(frame))

    def _note(self, sent: ServerMessage) -> None:
        if isinstance(sent, File):
            if sent.chunk_index == 0:
                text = sent.chunk_data.split(b".")[0].decode()
                self.got[sent.process_id].append(text)
        elif isinstance(sent, EventMessage) and sent.event != "stderr":
            self.got[sent.process_id].append(sent.value)


steps = st.lists(
    st.tuples(
        st.sampled_from(["talk", "talk", "talk", "send", "send", "send", "attach", "lose"]),
        st.sampled_from("abc"),
        st.integers(0, 2),
    ),
    max_size=120,
)


@example([("talk", "b", 0), ("talk", "b", 1), ("attach", "b", 1), ("send", "a", 0), ("send", "a", 1)])  # and back to 0 at the end
@given(steps)
def test_every_process_is_heard_in_its_order_and_nothing_is_lost(all_steps: list[tuple[str, str, int]]) -> None:
    """An event may be sent twice if the connection broke, or was taken over, while it was on its way; never out of order."""
    world = World()
    for what, name, number in all_steps:
        world.step(what, name, number)
    for name in "abc":
        world.attach(name, 0)
    for _ in range(5000):
        world.send("", 0)
        world.send("", 1)
    for name in "abc":
        heard = world.got[name]
        assert sorted(set(heard), key=lambda text: int(text[1:])) == world.said[name]
        firsts = [text for index, text in enumerate(heard) if text not in heard[:index]]
        assert firsts == world.said[name]
    world.processes.check()
