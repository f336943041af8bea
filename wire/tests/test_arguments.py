import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_wire.arguments import Value, input_of, typed


def test_a_long_option_takes_the_next_argument() -> None:
    assert input_of(["--prompt", "hello"]) == {"prompt": "hello"}


def test_hyphens_in_a_key_become_underscores() -> None:
    assert input_of(["--max-tokens", "5"]) == {"max_tokens": 5}


def test_a_long_option_before_another_option_is_true() -> None:
    assert input_of(["--fast", "--prompt", "x", "--last"]) == {"fast": True, "prompt": "x", "last": True}


def test_a_long_option_takes_a_negative_number() -> None:
    assert input_of(["--n", "-5", "--x", "-0.5"]) == {"n": -5, "x": -0.5}


def test_an_equals_sign_gives_any_value() -> None:
    assert input_of(["--sign=-", "--empty=", "--pair=a=b"]) == {"sign": "-", "empty": "", "pair": "a=b"}


def test_a_short_option_takes_whatever_follows() -> None:
    assert input_of(["-k", "--v", "-n", "-1"]) == {"k": "--v", "n": -1}


def test_a_short_option_at_the_end_is_ignored() -> None:
    assert input_of(["--a", "1", "-k"]) == {"a": 1}


def test_everything_else_is_positional() -> None:
    assert input_of(["one", "2", "-abc", "-3", "-"]) == {"_positional": ["one", 2, "-abc", -3, "-"]}


def test_two_hyphens_end_the_options() -> None:
    assert input_of(["--a", "1", "--", "--b", "2"]) == {"a": 1, "_positional": ["--b", 2]}


def test_the_last_value_of_a_key_counts() -> None:
    assert input_of(["--a", "1", "--a", "2"]) == {"a": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("+7", 7),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("", ""),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("9223372036854775807", 9223372036854775807),
        ("9223372036854775808", 9223372036854775808.0),
    ],
)
def test_values_are_typed(text: str, value: Value) -> None:
    result = typed(text)
    assert (result, type(result)) == (value, type(value))


@given(st.lists(st.text() | st.sampled_from(["--", "-", "-k", "--key", "--k=v", "-1"])))
def test_any_arguments_spell_an_input_that_json_can_carry(arguments: list[str]) -> None:
    assert json.loads(json.dumps(input_of(arguments), allow_nan=False)) == input_of(arguments)
