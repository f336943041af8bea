"""Frames in, outcomes out."""

from collections import defaultdict

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pie_client.events import Event, ProcessEvent
from pie_client.files import ReceivedFile
from pie_client.limits import EARLY_EVENTS_MAX, FILES_PARTIAL_MAX
from pie_client.protocol import Answer, Delivery, Outcome, Protocol, Unreadable, opens_many, opens_one
from pie_wire import messages
from pie_wire.chunks import hash_of
from pie_wire.frames import encode


def opened(*process_ids: str) -> Protocol:
    """With these processes open."""
    protocol = Protocol()
    for process_id in process_ids:
        list(protocol.receive(encode(messages.Response(protocol.begin(opens_one), True, process_id))))
    return protocol


def said(process_id: str, text: str, event: messages.EventName = "message") -> bytes:
    return encode(messages.ProcessEvent(process_id, event, text))


def chunk(
    process_id: str, whole: bytes, index: int, total: int, data: bytes, name: str | msgspec.UnsetType = msgspec.UNSET
) -> bytes:
    return encode(messages.File(process_id, hash_of(whole), index, total, data, name))


def after(protocol: Protocol, *frames: bytes) -> list[Outcome]:
    return [outcome for frame in frames for outcome in protocol.receive(frame)]


def test_an_answer_goes_to_its_request() -> None:
    protocol = Protocol()
    first, second = protocol.begin(), protocol.begin()
    assert after(protocol, encode(messages.Response(second, False, "no"))) == [Answer(second, False, "no")]
    assert protocol.pending == {first}


def test_an_answer_that_nobody_asked_for_is_unreadable() -> None:
    assert isinstance(after(Protocol(), encode(messages.Response(9, True, "")))[0], Unreadable)


def test_a_second_answer_is_unreadable() -> None:
    protocol = Protocol()
    response = encode(messages.Response(protocol.begin(), True, ""))
    assert [type(outcome) for outcome in after(protocol, response, response)] == [Answer, Unreadable]


def test_a_launch_opens_its_process() -> None:
    protocol = Protocol()
    corr_id = protocol.begin(opens_one)
    assert after(protocol, encode(messages.Response(corr_id, True, "p"))) == [Answer(corr_id, True, "p", ("p",))]
    assert protocol.open == {"p"}


def test_a_refused_launch_opens_nothing() -> None:
    protocol = Protocol()
    after(protocol, encode(messages.Response(protocol.begin(opens_one), False, "no")))
    assert not protocol.open


def test_an_answer_without_an_id_opens_nothing() -> None:
    assert not opened("").open


def test_a_launch_of_many_opens_them_all() -> None:
    protocol = Protocol()
    after(protocol, encode(messages.Response(protocol.begin(opens_many), True, '["p", "q"]')))
    assert protocol.open == {"p", "q"}


def test_a_list_of_processes_that_is_none_fails_its_request() -> None:
    protocol = Protocol()
    corr_id = protocol.begin(opens_many)
    (outcome,) = after(protocol, encode(messages.Response(corr_id, True, "p, q")))
    assert isinstance(outcome, Unreadable)
    assert outcome.corr_id == corr_id


def test_events_go_to_their_process() -> None:
    assert after(opened("p"), said("p", "a")) == [Delivery("p", ProcessEvent(Event.Message, "a"))]


def test_a_terminal_event_is_the_last() -> None:
    protocol = opened("p")
    assert len(after(protocol, said("p", "done", "return"), said("p", "more"))) == 1
    assert not protocol.open


def test_events_before_the_answer_follow_it() -> None:
    protocol = Protocol()
    corr_id = protocol.begin(opens_one)
    assert after(protocol, said("p", "early"), said("q", "of another")) == []
    outcomes = after(protocol, encode(messages.Response(corr_id, True, "p")), said("p", "late"))
    assert [outcome.event.value for outcome in outcomes if isinstance(outcome, Delivery)] == ["early", "late"]


def test_events_of_unknown_processes_are_bounded() -> None:
    protocol = Protocol()
    after(protocol, *(said("p", str(number)) for number in range(2 * EARLY_EVENTS_MAX)))
    outcomes = after(protocol, encode(messages.Response(protocol.begin(opens_one), True, "p")))
    assert len(outcomes) == 1 + EARLY_EVENTS_MAX


def test_a_file_is_delivered_after_its_last_chunk() -> None:
    protocol = opened("p")
    assert after(protocol, chunk("p", b"abcd", 0, 2, b"ab", "a.txt")) == []
    (delivery,) = after(protocol, chunk("p", b"abcd", 1, 2, b"cd", "a.txt"))
    assert isinstance(delivery, Delivery)
    assert isinstance(delivery.event.value, ReceivedFile)
    assert (delivery.event.value, delivery.event.value.name) == (b"abcd", "a.txt")


def test_an_empty_file_is_a_file() -> None:
    (delivery,) = after(opened("p"), chunk("p", b"", 0, 1, b""))
    assert delivery == Delivery("p", ProcessEvent(Event.File, ReceivedFile(b"")))


def test_a_file_with_another_hash_is_not_delivered() -> None:
    (outcome,) = after(opened("p"), chunk("p", b"what was meant", 0, 1, b"what came"))
    assert isinstance(outcome, Unreadable)


def test_chunks_out_of_order_end_their_file_and_no_other() -> None:
    protocol = opened("p")
    outcomes = after(
        protocol,
        chunk("p", b"abc", 0, 3, b"a"),
        chunk("p", b"xy", 0, 2, b"x"),
        chunk("p", b"abc", 2, 3, b"c"),
        chunk("p", b"xy", 1, 2, b"y"),
    )
    assert [type(outcome) for outcome in outcomes] == [Unreadable, Delivery]


def test_files_that_never_end_are_bounded() -> None:
    protocol = opened("p")
    outcomes = after(protocol, *(chunk("p", str(number).encode(), 0, 2, b"") for number in range(FILES_PARTIAL_MAX + 5)))
    assert len(outcomes) == 5


def test_a_lost_connection_takes_answers_and_half_files_with_it_but_no_processes() -> None:
    protocol = opened("p")
    protocol.begin()
    after(protocol, chunk("p", b"ab", 0, 2, b"a"))
    protocol.disconnected()
    assert not protocol.pending
    assert protocol.open == {"p"}
    assert len(after(protocol, chunk("p", b"ab", 0, 2, b"a"), chunk("p", b"ab", 1, 2, b"b"))) == 1


def test_numbers_are_not_used_twice_across_connections() -> None:
    protocol = Protocol()
    first = protocol.begin()
    protocol.disconnected()
    assert protocol.begin() != first


def test_a_garbled_answer_fails_the_request_it_was_for() -> None:
    protocol = Protocol()
    corr_id = protocol.begin()
    garbled = msgspec.msgpack.encode({"type": "response", "corr_id": corr_id, "ok": "perhaps"})
    (outcome,) = after(protocol, garbled)
    assert isinstance(outcome, Unreadable)
    assert outcome.corr_id == corr_id
    assert not protocol.pending


def test_what_processes_ask_of_mcp_servers_is_passed_on() -> None:
    request = messages.McpRequest(1, "p", "files", "tools/list", "{}")
    assert after(Protocol(), encode(request)) == [request]


@given(st.binary(max_size=300))
def test_no_frame_raises(frame: bytes) -> None:
    after(opened("p"), frame)


_ids = st.sampled_from(["p", "q", "r", "unknown"])
_events = st.tuples(st.sampled_from(["stdout", "stderr", "message"]), st.text(max_size=5))
_files = st.tuples(st.just("file"), st.lists(st.binary(max_size=8), min_size=1, max_size=4))


@given(st.data(), st.dictionaries(_ids, st.lists(_events | _files, max_size=6)))
def test_whatever_the_interleaving_every_process_gets_its_events_in_order(
    data: st.DataObject, spoken: dict[str, list[tuple[str, str | list[bytes]]]]
) -> None:
    protocol = opened("p", "q", "r")
    queues = {process_id: _frames_of(process_id, says) for process_id, says in spoken.items()}
    got: dict[str, list[ProcessEvent]] = defaultdict(list)
    while waiting := sorted(process_id for process_id, frames in queues.items() if frames):
        for outcome in protocol.receive(queues[data.draw(st.sampled_from(waiting))].pop(0)):
            assert isinstance(outcome, Delivery)
            got[outcome.process_id].append(outcome.event)
    assert got == {
        process_id: [ProcessEvent(Event(kind), b"".join(said) if isinstance(said, list) else said) for kind, said in says]  # type: ignore[arg-type]
        for process_id, says in spoken.items()
        if says and process_id != "unknown"
    }


def _frames_of(process_id: str, says: list[tuple[str, str | list[bytes]]]) -> list[bytes]:
    frames: list[bytes] = []
    for kind, said in says:
        if isinstance(said, str):
            frames.append(encode(messages.ProcessEvent(process_id, kind, said)))  # type: ignore[arg-type]
        else:
            frames += [chunk(process_id, b"".join(said), index, len(said), part) for index, part in enumerate(said)]
    return frames
