"""Headers that pass, and those that do not."""

import pytest

from pie_deploy.gateway import headers


def test_what_connection_names_stays_behind() -> None:
    pairs = [(b"connection", b"X-Own, keep-alive"), (b"x-own", b"1"), (b"x-other", b"2"), (b"keep-alive", b"3")]
    assert headers.passing(pairs) == [(b"x-other", b"2")]
    assert headers.as_text(pairs) == (("x-other", "2"),)


def test_bytes_beyond_ascii_survive_as_latin_1() -> None:
    assert headers.as_text([(b"x", b"\xe9")]) == (("x", "é"),)


def test_a_container_may_not_say_what_the_server_says() -> None:
    assert headers.from_container((("Content-Length", "7"), ("Date", "now"), ("Transfer-Encoding", "x"), ("X-A", "1"))) == [
        (b"x-a", b"1")
    ]


@pytest.mark.parametrize("name", ["a b", "a:", "", "ä", "a\n"], ids=["space", "colon", "empty", "letter", "newline"])
def test_names_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(ValueError):
        headers.from_container(((name, "x"),))


@pytest.mark.parametrize("value", ["b\nc", "b\rc", "b\0c", "€"], ids=["newline", "return", "nul", "euro"])
def test_values_that_could_not_be_sent_are_refused(value: str) -> None:
    with pytest.raises(ValueError):
        headers.from_container((("x", value),))
