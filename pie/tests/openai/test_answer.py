"""An answer is taken apart in the same way however it is cut into pieces."""

import json
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.openai.answer import AnswerParser, CallArguments, CallBegun, CallEnded, Event, Reasoning, Text

CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo", "braces": "}{\\"<"}}\n</tool_call>'


def joined(events: Iterable[Event]) -> list[Event]:
    """Adjacent pieces of one kind put together."""
    whole: list[Event] = []
    for event in events:
        last = whole[-1] if whole else None
        if isinstance(event, Text | Reasoning | CallArguments) and type(last) is type(event):
            whole[-1] = type(event)(last.text + event.text)  # type: ignore[union-attr]
        else:
            whole.append(event)
    return whole


def parsed(pieces: Sequence[str], *, with_calls: bool = True, in_reasoning: bool = False) -> list[Event]:
    parser = AnswerParser(with_calls=with_calls, with_reasoning=True, in_reasoning=in_reasoning)
    events = [event for piece in pieces for event in parser.feed(piece)]
    return joined(events + parser.flush())


def test_plain_text_is_handed_on_as_it_is() -> None:
    assert parsed(["\n Hello ", "there. \n"]) == [Text("\n Hello there. \n")]


def test_a_call_gives_its_name_then_its_arguments() -> None:
    events = parsed([CALL])
    assert events[0] == CallBegun("weather")
    assert isinstance(events[1], CallArguments)
    assert json.loads(events[1].text) == {"city": "Oslo", "braces": '}{"<'}
    assert events[2:] == [CallEnded()]


def test_arguments_are_handed_on_before_the_call_is_complete() -> None:
    parser = AnswerParser(with_calls=True)
    assert parser.feed('<tool_call>{"name":"f","arguments":{"a": ') == [CallBegun("f"), CallArguments('{"a": ')]


def test_several_calls_and_the_text_in_front_of_them() -> None:
    events = parsed(["I will look.\n", CALL, "\n", CALL, "\n"])
    kinds = [Text, CallBegun, CallArguments, CallEnded, CallBegun, CallArguments, CallEnded, Text]
    assert [type(event) for event in events[:7]] == kinds[:7]
    assert events[0] == Text("I will look.")


def test_white_space_around_calls_is_nobodys_text() -> None:
    assert parsed(["\n", CALL, "\n", CALL, " then"])[-1] == Text("then")


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ('{"arguments": {"a": 1}, "name": "f"}', '{"a": 1}'),
        ('{"name": "f", "arguments": "{\\"a\\": 1}"}', '{"a": 1}'),
        ('{"name": "f", "parameters": {"a": 1}}', '{"a": 1}'),
        ('{"name": "f"}', "{}"),
    ],
)
def test_a_call_written_in_another_order_is_understood_at_its_end(written: str, arguments: str) -> None:
    assert parsed([f"<tool_call>{written}</tool_call>"]) == [CallBegun("f"), CallArguments(arguments), CallEnded()]


@pytest.mark.parametrize("raw", ["<tool_call>hello</tool_call>", '<tool_call>[1, "name"]</tool_call>', "<tool_call>{"])
def test_what_is_no_call_is_text(raw: str) -> None:
    assert parsed([raw]) == [Text(raw)]


def test_a_call_whose_end_is_missing_counts_if_its_arguments_are_complete() -> None:
    assert parsed(['<tool_call>{"name": "f", "arguments": {}}']) == [CallBegun("f"), CallArguments("{}"), CallEnded()]


def test_arguments_that_are_cut_off_have_no_end() -> None:
    assert parsed(['<tool_call>{"name": "f", "arguments": {"a']) == [CallBegun("f"), CallArguments('{"a')]


def test_arguments_without_their_last_brace_do_not_swallow_what_follows() -> None:
    events = parsed(['<tool_call>{"name": "f", "arguments": {"a": 1</tool_call> more'])
    assert events == [CallBegun("f"), CallArguments('{"a": 1'), CallEnded(), Text("more")]


def test_without_tools_a_call_is_text() -> None:
    assert parsed([CALL], with_calls=False) == [Text(CALL)]


def test_reasoning_stands_in_front() -> None:
    assert parsed(["<think>\nhm, <b>\n</think>\n\nParis"]) == [Reasoning("hm, <b>"), Text("Paris")]
    assert parsed(["Paris <think>x</think>"]) == [Text("Paris <think>x</think>")]


def test_reasoning_that_the_prompt_has_opened() -> None:
    assert parsed(["hm</think>Paris"], in_reasoning=True) == [Reasoning("hm"), Text("Paris")]


FRAGMENTS = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<tool_call>",
        "</tool_call>",
        '{"name": "f", "arguments": ',
        '{"a": "}<"}',
        "}",
        "{",
        '"',
        "\\",
        " ",
        "\n",
        "x",
        "<",
    ]
)


@given(st.lists(FRAGMENTS | st.text(max_size=3), max_size=12).map("".join), st.data())
def test_it_does_not_matter_how_the_text_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert parsed(pieces) == parsed([text])


@given(st.lists(FRAGMENTS, max_size=12).map("".join))
def test_one_character_at_a_time_gives_the_same(text: str) -> None:
    assert parsed(list(text)) == parsed([text])
