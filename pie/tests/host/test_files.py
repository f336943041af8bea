"""Files for a process keep order, and are bounded in number and size."""

from pie.host.files import FileInbox, ReceivedFile
from pie.limits import INBOX_FILES_MAX


async def test_files_wait_for_a_receiver_and_receivers_for_a_file() -> None:
    inbox = FileInbox()
    inbox.put(b"1", "a")
    first, second = inbox.receive(), inbox.receive()
    inbox.put(b"2", "b")
    assert [await first, await second] == [ReceivedFile("a", b"1"), ReceivedFile("b", b"2")]


async def test_a_receiver_that_gave_up_takes_no_file() -> None:
    inbox = FileInbox()
    inbox.receive().cancel()
    inbox.put(b"1")
    assert await inbox.receive() == ReceivedFile("", b"1")


async def test_files_that_wait_are_bounded_in_size_together_and_alone() -> None:
    inbox = FileInbox(bytes_max=10)
    assert not inbox.put(bytes(11))
    assert inbox.put(bytes(6))
    assert not inbox.put(bytes(5))
    await inbox.receive()
    assert inbox.put(bytes(5))


async def test_a_file_somebody_waits_for_is_bounded_too() -> None:
    inbox = FileInbox(bytes_max=10)
    waiting = inbox.receive()
    assert not inbox.put(bytes(11))
    assert not waiting.done()


async def test_files_that_wait_are_bounded_in_number() -> None:
    inbox = FileInbox()
    assert all(inbox.put(b"") for _ in range(INBOX_FILES_MAX))
    assert not inbox.put(b"")


async def test_a_closed_inbox_gives_what_it_has_then_none_and_takes_nothing() -> None:
    inbox = FileInbox()
    inbox.put(b"1")
    inbox.close()
    assert not inbox.put(b"2")
    assert [await inbox.receive(), await inbox.receive()] == [ReceivedFile("", b"1"), None]


async def test_a_file_given_back_is_the_next_one() -> None:
    inbox = FileInbox()
    inbox.put(b"1")
    inbox.put(b"2")
    file = await inbox.receive()
    assert file is not None
    inbox.give_back(file)
    assert [await inbox.receive(), await inbox.receive()] == [ReceivedFile("", b"1"), ReceivedFile("", b"2")]
