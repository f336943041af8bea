import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.errors import InvalidRequestError
from bakery.registry.names import ProgramName, checked_user_name, checked_version, sort_key

versions = st.tuples(*[st.integers(0, 10**12)] * 3)


@pytest.mark.parametrize("text", ["toast", "a", "Toast_2-x", "alice/toast", "0/0"])
def test_names_read_back_as_they_were(text: str) -> None:
    assert str(ProgramName.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/toast",
        "alice/",
        "a/b/c",
        "../toast",
        "..",
        "-x",
        "to ast",
        "toast\n",
        "Alice/toast",
        "töast",
        "x" * 101,
        "a\0",
        "%2e%2e",
    ],
)
def test_names_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        ProgramName.parse(text)


def test_names_that_look_alike_fold_to_one() -> None:
    assert ProgramName.parse("Chat_Bot").folded == ProgramName.parse("chat-bot").folded
    assert ProgramName.parse("alice/bot").folded != ProgramName.parse("bot").folded


@given(st.text())
def test_whatever_is_accepted_is_safe_in_paths_and_addresses(text: str) -> None:
    try:
        name = ProgramName.parse(text)
    except InvalidRequestError:
        return
    assert text.isascii()
    assert not {*text} & set("\\.%?#\0\n ")
    assert text.count("/") == bool(name.scope)


@pytest.mark.parametrize("text", ["Alice", "", "a b", "-a", "a" * 41, "a/b", "é"])
def test_user_names_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        checked_user_name(text)


@pytest.mark.parametrize("text", ["1.0", "01.0.0", "1.0.0-rc1", "v1.0.0", "1.0.0\n", "1..0", "١.0.0", "9" * 50 + ".0.0"])
def test_versions_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        checked_version(text)


@given(versions, versions)
def test_keys_order_as_numbers_do(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    keys = [sort_key(".".join(map(str, numbers))) for numbers in (first, second)]
    assert (keys[0] < keys[1]) == (first < second)
    assert len(keys[0]) == len(keys[1]) == 120
