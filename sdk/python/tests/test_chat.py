import pytest
from scripted_engine import ASSISTANT, BEGIN, STOP, SYSTEM, USER

from inferlet import Model, chat


def test_fillers_give_the_tokens_of_their_turn(model: Model) -> None:
    assert chat.system(model, "s") == [BEGIN, SYSTEM, ord("s"), STOP]
    assert chat.user(model, "u") == [USER, ord("u"), STOP]
    assert chat.assistant(model, "a") == [ASSISTANT, ord("a"), STOP]
    assert chat.cue(model) == [ASSISTANT]
    assert chat.seal(model) == [STOP]


def test_stop_tokens_are_the_models(model: Model) -> None:
    assert chat.stop_tokens(model) == [STOP]


def test_a_decoder_holds_back_half_a_character(model: Model) -> None:
    decoder = chat.Decoder(model)
    first, second = "ü".encode()
    assert decoder.feed([first]) == chat.Event.Idle()
    assert decoder.feed([second]) == chat.Event.Delta("ü")


def test_a_stop_token_ends_the_turn_with_all_of_its_text(model: Model) -> None:
    decoder = chat.Decoder(model)
    decoder.feed([ord("a")])
    assert decoder.feed([ord("b"), STOP]) == chat.Event.Done("ab")


def test_a_special_token_that_does_not_end_the_turn_interrupts(model: Model) -> None:
    assert chat.Decoder(model).feed([USER]) == chat.Event.Interrupt(USER)


def test_reset_forgets_what_was_fed(model: Model) -> None:
    decoder = chat.Decoder(model)
    decoder.feed([ord("a")])
    decoder.reset()
    assert decoder.feed([STOP]) == chat.Event.Done("")


def test_events_can_be_matched(model: Model) -> None:
    match chat.Decoder(model).feed([ord("a")]):
        case chat.Event.Delta(text=text):
            assert text == "a"
        case _:
            pytest.fail("no delta")
