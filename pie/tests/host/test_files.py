"""Files for a process keep order, and are bounded in number and size."""

from pie.host.files import File, FileInbox
from pie.limits import FILE_NAME_CHARACTERS_MAX, INBOX_FILES_MAX


def content(file: File | None) -> tuple[str, bytes] | None:
    return None if file is None else (file.name, file.data)


async def test_files_wait_for_a_receiver_and_receivers_for_a_file() -> None:
    inbox = FileInbox()
    inbox.put(b"1", "a")
    first, second = inbox.receive(), inbox.receive()
    inbox.put(b"2", "b")
    assert [content(await first), content(await second)] == [("a", b"1"), ("b", b"2")]


async def test_a_receiver_that_gave_up_takes_no_file() -> None:
    inbox = FileInbox()
    inbox.receive().cancel()
    inbox.put(b"1")
    assert content(await inbox.receive()) == ("", b"1")


async def test_a_file_counts_until_the_process_has_let_go_of_it() -> None:
    inbox = FileInbox(bytes_max=10)
    assert inbox.put(bytes(6))
    file = await inbox.receive()
    assert file is not None
    assert not inbox.put(bytes(5))
    inbox.let_go(file)
    assert inbox.put(bytes(5))


async def test_a_file_somebody_waits_for_is_bounded_too() -> None:
    inbox = FileInbox(bytes_max=10)
    waiting = inbox.receive()
    assert not inbox.put(bytes(11))
    assert not waiting.done()


async def test_files_are_bounded_in_number_and_their_names_in_length() -> None:
    inbox = FileInbox()
    assert not inbox.put(b"", "x" * (FILE_NAME_CHARACTERS_MAX + 1))
    assert all(inbox.put(b"") for _ in range(INBOX_FILES_MAX))
    assert not inbox.put(b"")


async def test_a_closed_inbox_gives_what_it_has_then_none_and_takes_nothing() -> None:
    inbox = FileInbox()
    inbox.put(b"1")
    inbox.close()
    assert not inbox.put(b"2")
    assert [content(await inbox.receive()), await inbox.receive()] == [("", b"1"), None]


async def test_a_file_given_back_is_the_next_one() -> None:
    inbox = FileInbox()
    inbox.put(b"1")
    inbox.put(b"2")
    file = await inbox.receive()
    assert file is not None
    inbox.give_back(file)
    assert [content(await inbox.receive()) for _ in range(2)] == [("", b"1"), ("", b"2")]
