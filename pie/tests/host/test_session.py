"""Receiving: no text is lost, whoever gives up waiting for one."""

from pie.host.guest import Guest
from pie.host.session import get, receive
from pie.sandbox.interface import Some


async def test_a_text_is_there_every_time_one_looks(guest: Guest) -> None:
    guest.inbox.put("a")
    text = receive(guest)
    assert [get(guest, text), get(guest, text)] == [Some("a"), Some("a")]


async def test_a_text_that_came_for_a_receiver_that_gave_up_is_for_the_next(guest: Guest) -> None:
    given_up, next_one = receive(guest), receive(guest)
    guest.inbox.put("a")
    guest.inbox.put("b")
    given_up.drop()
    assert get(guest, next_one) == Some("b")
    assert get(guest, receive(guest)) == Some("a")


async def test_a_text_that_was_read_is_not_given_again(guest: Guest) -> None:
    text = receive(guest)
    guest.inbox.put("a")
    guest.inbox.put("b")
    assert get(guest, text) == Some("a")
    text.drop()
    assert get(guest, receive(guest)) == Some("b")


async def test_giving_up_before_a_text_comes_takes_none(guest: Guest) -> None:
    receive(guest).drop()
    guest.inbox.put("a")
    assert get(guest, receive(guest)) == Some("a")
    guest.inbox.close()
    at_end = receive(guest)
    at_end.drop()
    assert get(guest, receive(guest)) == Some(None)
