from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from pie.errors import TemplateError
from pie.model.conversation import Message, Pieces, Turn, take_apart
from pie.model.template_sandbox import Template
from sample_tokenizers import CHATML, LLAMA_2, LLAMA_3, LLAMA_31, MISTRAL, PHI_3, QWEN_2, QWEN_3


def pieces_of(source: str) -> Pieces:
    template = Template(source, lambda: datetime(2024, 7, 26))
    texts = {"bos_token": "<s>", "eos_token": "</s>"}

    def render(messages: Sequence[Message], cue: bool) -> str:
        return template.render({**texts, "messages": messages, "tools": None, "add_generation_prompt": cue})

    return take_apart(render, first_token="<s>", last_token="</s>")


def test_chatml_has_no_opening_and_equal_turns() -> None:
    pieces = pieces_of(CHATML)
    assert pieces.opening == ""
    assert pieces.user == Turn("<|im_start|>user\n", "<|im_end|>\n")
    assert pieces.assistant == Turn("<|im_start|>assistant\n", "<|im_end|>\n")
    assert pieces.cue == "<|im_start|>assistant\n"
    assert pieces.seal == "<|im_end|>\n"
    assert pieces.first_system == pieces.system == Turn("<|im_start|>system\n", "<|im_end|>\n")


def test_a_default_system_text_is_the_opening() -> None:
    pieces = pieces_of(QWEN_2)
    assert pieces.opening == "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    assert pieces.first_system == pieces.system == Turn("<|im_start|>system\n", "<|im_end|>\n")


def test_reasoning_that_the_template_drops_is_noticed() -> None:
    assert pieces_of(QWEN_3).reasoning_end == "</think>"
    assert pieces_of(QWEN_2).reasoning_end == ""


def test_a_final_answer_written_differently_does_not_change_the_assistant_turn() -> None:
    assert pieces_of(QWEN_3).assistant == Turn("<|im_start|>assistant\n", "<|im_end|>\n")


def test_a_first_token_is_the_opening_and_not_part_of_a_later_system_turn() -> None:
    pieces = pieces_of(LLAMA_3)
    header = "<|start_header_id|>{}<|end_header_id|>\n\n"
    assert pieces.opening == "<s>"
    assert pieces.user == Turn(header.format("user"), "<|eot_id|>", trimmed=True)
    assert pieces.first_system == Turn("<s>" + header.format("system"), "<|eot_id|>", trimmed=True)
    assert pieces.system == Turn(header.format("system"), "<|eot_id|>", trimmed=True)


def test_a_date_in_the_system_turn_is_part_of_it() -> None:
    pieces = pieces_of(LLAMA_31)
    header = "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 26 Jul 2024\n\n"
    assert pieces.opening == header + "<|eot_id|>"
    assert pieces.first_system == Turn(header, "<|eot_id|>", trimmed=True)


def test_a_system_text_inside_the_user_turn_is_merged() -> None:
    pieces = pieces_of(LLAMA_2)
    assert pieces.merged
    assert pieces.first_system == Turn("<s>[INST] <<SYS>>\n", "\n<</SYS>>\n\n")
    assert pieces.user == Turn("<s>[INST] ", " [/INST]", trimmed=True)
    assert pieces.assistant == Turn(" ", " </s>", trimmed=True)


def test_a_template_that_refuses_system_texts_gets_them_as_a_first_paragraph() -> None:
    pieces = pieces_of(MISTRAL)
    assert pieces.merged
    assert pieces.first_system == Turn("<s>[INST] ", "\n\n")
    assert pieces.system == Turn("[INST] ", "\n\n")


def test_a_template_without_a_cue_has_an_empty_one() -> None:
    assert pieces_of(MISTRAL).cue == ""


def test_a_last_token_behind_conversations_without_cue_is_left_out() -> None:
    pieces = pieces_of(PHI_3)
    assert pieces.user == Turn("<|im_start|>user\n", "<|im_end|>\n")
    assert pieces.seal == "<|im_end|>\n"


@pytest.mark.parametrize(
    "source",
    [
        "{% for m in messages %}{{ m.role }}{% endfor %}",
        "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
        "{% for m in messages[::-1] %}{{ m.content }}{% endfor %}",
        "{% for m in messages %}{{ loop.index }}{{ m.content }}{{ '.' if loop.last else ',' }}{% endfor %}",
        "{{ raise_exception('never') }}",
    ],
    ids=["no text", "text twice", "backwards", "numbered", "refuses"],
)
def test_a_template_that_is_not_built_from_pieces_is_an_error(source: str) -> None:
    with pytest.raises(TemplateError):
        pieces_of(source)


@pytest.mark.parametrize("trim", [str, str.strip])
def test_a_turn_trims_its_text_if_the_template_does(trim: Callable[[str], str]) -> None:
    assert Turn("", "", trimmed=trim is str.strip).text(" a\n") == trim(" a\n")
