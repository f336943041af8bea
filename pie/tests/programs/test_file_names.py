import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pie.programs.file_names import file_name

ANY = st.text(st.characters(codec=None, min_codepoint=0), max_size=300)


@pytest.mark.parametrize("text", ["alice", "bob-2", "a_b"])
def test_plain_names_stay_as_they_are(text: str) -> None:
    assert file_name(text) == text


@given(ANY)
@example("../../etc/passwd")
@example("..")
@example(".")
@example("")
@example("a\0b")
@example("x" * 100_000)
@example("\ud800")
def test_any_text_is_one_name_of_a_file_in_its_folder(text: str) -> None:
    name = file_name(text)
    assert 0 < len(name.encode()) <= 160
    assert not set(name) & set("/\\\0.") and name == name.lower()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text("")
        assert [each.name for each in Path(folder).iterdir()] == [name]


@given(ANY, ANY)
@example("a/b", "a%2fb")
@example("A", "a")
@example("", "=")
def test_no_two_texts_share_a_name(one: str, other: str) -> None:
    assume(one != other)
    assert file_name(one).casefold() != file_name(other).casefold()
