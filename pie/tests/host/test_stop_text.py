"""Stop texts cut a stream wherever its pieces begin and end."""

from hypothesis import given
from hypothesis import strategies as st

from pie.host.stop_text import StopTexts


def stream(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    stop_texts = StopTexts(stops)
    text = ""
    for piece in pieces:
        cut = stop_texts.feed(piece)
        text += cut.text
        if cut.stopped:
            return text, True
    return text + stop_texts.flush(), False


def test_text_is_cut_before_a_stop_text() -> None:
    assert stream(["Hello\n\nWorld"], ["\n\n"]) == ("Hello", True)


def test_a_stop_text_may_arrive_in_pieces() -> None:
    assert stream(["one EN", "D two"], ["END"]) == ("one ", True)


def test_what_only_looked_like_a_stop_text_is_given_out() -> None:
    assert stream(["one EN", "ough"], ["END"]) == ("one ENough", False)


def test_the_stop_text_that_is_complete_first_wins() -> None:
    assert stream(["a b c"], ["c", "b"]) == ("a ", True)
    assert stream(["abcd"], ["abcd", "bc"]) == ("a", True)


alphabet = st.text(alphabet="ab", max_size=6)


@given(st.lists(alphabet), st.lists(alphabet.filter(bool), max_size=3))
def test_the_pieces_do_not_matter(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    assert stream(pieces, stops) == stream(list(whole), stops)
