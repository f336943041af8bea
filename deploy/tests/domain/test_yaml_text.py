"""YAML from strangers, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.domain.yaml_text import dump_yaml, load_yaml
from pie_deploy.errors import ManifestError


def load(text: str | bytes) -> object:
    return load_yaml(text, "x.yml", bytes_max=10_000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("a: -0.5e3", {"a": -500.0}),
        ("[true, false, null, ~]", [True, False, None, None]),
        ("[yes, no, on, off, True, NULL]", ["yes", "no", "on", "off", "True", "NULL"]),
        (
            "[2026-01-01, 1_000, 0x10, 010, .5, 1., .inf, .nan, 1:30]",
            ["2026-01-01", "1_000", "0x10", "010", ".5", "1.", ".inf", ".nan", "1:30"],
        ),
        ("['1', \"true\"]", ["1", "true"]),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("1: x", {"1": "x"}),
    ],
)
def test_words_and_numbers_are_those_of_json_and_all_else_is_text(text: str, value: object) -> None:
    read = load(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x", "x.yml, line 1, column 4: anchors and aliases are not read"),
        ("b: *x", "x.yml, line 1, column 4: anchors and aliases are not read"),
        ("a: !!python/object:os.system x", "x.yml, line 1, column 4: tags are not read"),
        ("a: !!str x", "x.yml, line 1, column 4: tags are not read"),
        ("! 12", "x.yml, line 1, column 1: tags are not read"),
        ("a: 1\na: 2", "x.yml, line 2, column 1: 'a' stands twice"),
        ("[1]: 2", "x.yml, line 1, column 1: a key is text"),
        ("a: 1\n---\nb: 2", "x.yml, line 2, column 1: there is more than one document"),
        ("[" * 20 + "]" * 20, "x.yml, line 1, column 18: it nests deeper than 16"),
        ("a: " + "9" * 65, "x.yml, line 1, column 4: a number has at most 64 characters"),
        ("a: -1e999", "x.yml, line 1, column 4: a number is too large"),
        ("x" * 10_001, "x.yml has 10001 bytes; at most 10000 are read"),
        (b"a: \xff", "x.yml is not UTF-8: invalid start byte at byte 3"),
    ],
)
def test_what_is_not_read_is_refused_with_its_place(text: str | bytes, message: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        load(text)
    assert refusal.value.message == message


@pytest.mark.parametrize("text", ["a: [", "a: 'x", "\ta: 1", "a: b: c", "%YAML 9.9\n---\n", "a: \x00", "? ", "- - -\n -"])
def test_what_is_not_yaml_is_refused_or_read(text: str) -> None:
    try:
        load(text)
    except ManifestError as refusal:
        assert refusal.message.startswith("x.yml")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    try:
        load(data)
    except ManifestError as refusal:
        assert refusal.message.startswith("x.yml")


@given(st.text("ab:-[]{}&*!|>#%@`\"'\\ \n\t,?~é0123456789.e+", max_size=40))
def test_any_text_is_refused_or_read(text: str) -> None:
    try:
        load(text)
    except ManifestError as refusal:
        assert refusal.message.startswith("x.yml")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(
        [
            "1e3",
            "1",
            "-0",
            "true",
            "no",
            "null",
            "~",
            "",
            "0x10",
            "- a",
            "a: b",
            "#",
            "'",
            "a\nb\n",
            " x ",
            "=",
            "<<",
            "9" * 70,
            "9" * 70 + "e5",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    text = dump_yaml(value)
    read = load_yaml(text, "x.yml", bytes_max=1_000_000)
    assert read == value
    assert repr(read) == repr(value)  # 1 is not True, "1" is not 1
