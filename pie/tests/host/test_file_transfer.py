"""Files cross in pieces; what a guest may hold of them is bounded; none is lost."""

import pytest

from pie.errors import InvalidArgumentError
from pie.host.file_transfer import IncomingFile, get, name, new_file, read, receive_file, send, size, write
from pie.host.files import Allowance
from pie.host.guest import Guest
from pie.limits import FILE_NAME_CHARACTERS_MAX, FILE_PIECE_BYTES_MAX
from pie.processes.events import ProcessEvent
from pie.sandbox.interface import Some


def received(guest: Guest) -> IncomingFile:
    found = get(guest, receive_file(guest))
    assert isinstance(found, Some)
    assert isinstance(found.value, IncomingFile)
    return found.value


async def test_a_file_is_sent_as_one_event(guest: Guest) -> None:
    file = new_file(guest, "a.bin")
    write(guest, file, b"12")
    write(guest, file, b"34")
    send(guest, file)
    assert await guest.outbox.take() == ProcessEvent("file", "a.bin", b"1234")


async def test_a_file_is_sent_once(guest: Guest) -> None:
    file = new_file(guest, "")
    send(guest, file)
    with pytest.raises(InvalidArgumentError, match="already"):
        send(guest, file)


async def test_sending_waits_while_the_client_is_too_slow(guest: Guest) -> None:
    for text in ["x"] * 100:
        guest.outbox.send(ProcessEvent("message", text))
    waiting = send(guest, new_file(guest, ""))
    assert waiting is not None
    assert not waiting.done()


async def test_a_piece_and_a_name_are_bounded(guest: Guest) -> None:
    file = new_file(guest, "x" * (FILE_NAME_CHARACTERS_MAX + 1))
    with pytest.raises(InvalidArgumentError, match="pieces"):
        write(guest, file, bytes(FILE_PIECE_BYTES_MAX + 1))
    with pytest.raises(InvalidArgumentError, match="name"):
        send(guest, file)


async def test_what_is_not_sent_yet_is_bounded_over_all_files(guest: Guest) -> None:
    guest.outgoing = Allowance(10)
    first, second = new_file(guest, ""), new_file(guest, "")
    write(guest, first, bytes(6))
    with pytest.raises(InvalidArgumentError, match="10 bytes"):
        write(guest, second, bytes(5))
    first.drop()
    write(guest, second, bytes(10))
    send(guest, second)
    write(guest, new_file(guest, ""), bytes(10))


async def test_a_file_is_read_in_pieces(guest: Guest) -> None:
    guest.files.put(b"0123456789", "digits")
    file = received(guest)
    assert (name(guest, file), size(guest, file)) == ("digits", 10)
    assert [read(guest, file, 0, 4), read(guest, file, 4, 100), read(guest, file, 10, 4)] == [b"0123", b"456789", b""]


async def test_a_large_file_is_not_read_at_once(guest: Guest) -> None:
    guest.files.put(bytes(FILE_PIECE_BYTES_MAX + 1))
    assert len(read(guest, received(guest), 0, FILE_PIECE_BYTES_MAX + 1)) == FILE_PIECE_BYTES_MAX


async def test_a_file_is_given_out_once(guest: Guest) -> None:
    guest.files.put(b"")
    future = receive_file(guest)
    assert isinstance(get(guest, future), Some)
    assert get(guest, future) is None
    future.drop()


async def test_a_file_that_came_for_a_receiver_that_gave_up_is_for_the_next(guest: Guest) -> None:
    given_up, next_one = receive_file(guest), receive_file(guest)
    guest.files.put(b"a")
    given_up.drop()
    found = get(guest, next_one)
    assert isinstance(found, Some)
    assert isinstance(found.value, IncomingFile)
    assert found.value.file.data == b"a"


async def test_after_the_last_file_there_is_none(guest: Guest) -> None:
    guest.files.close()
    assert get(guest, receive_file(guest)) == Some(None)
