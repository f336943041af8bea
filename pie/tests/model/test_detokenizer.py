import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.errors import TokenOutOfRangeError
from pie.model.detokenizer import Detokenizer
from pie.model.tokenizer import Tokenizer
from sample_tokenizers import byte_level, metaspace, sentencepiece

TOKENIZERS = [Tokenizer(kind()) for kind in (byte_level, sentencepiece, metaspace)]


@pytest.fixture(params=TOKENIZERS, ids=["byte_level", "sentencepiece", "metaspace"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    assert isinstance(request.param, Tokenizer)
    return request.param


@given(st.data())
def test_the_pieces_join_to_what_decode_makes_of_all_tokens(data: st.DataObject) -> None:
    tokenizer = data.draw(st.sampled_from(TOKENIZERS))
    tokens = data.draw(st.lists(st.integers(0, tokenizer.vocabulary_size - 1), max_size=40))
    detokenizer = Detokenizer(tokenizer)
    pieces = []
    start = 0
    while start < len(tokens):
        size = data.draw(st.integers(1, 4))
        pieces.append(detokenizer.feed(tokens[start : start + size]))
        start += size
    assert "".join(pieces) + detokenizer.flush() == tokenizer.decode(tokens)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_piece_of_a_text_holds_half_a_character(text: str) -> None:
    for tokenizer in TOKENIZERS:
        detokenizer = Detokenizer(tokenizer)
        tokens = tokenizer.encode_plain(text)
        assert "".join(detokenizer.feed([token]) for token in tokens) == tokenizer.decode(tokens)


def test_an_incomplete_character_is_held_back(tokenizer: Tokenizer) -> None:
    detokenizer = Detokenizer(tokenizer, continuing=True)
    *first, last = tokenizer.encode("🦊")
    assert detokenizer.feed(first).strip() == ""
    assert detokenizer.feed([last]) == "🦊"


def test_flush_gives_up_on_an_incomplete_character(tokenizer: Tokenizer) -> None:
    detokenizer = Detokenizer(tokenizer)
    detokenizer.feed(tokenizer.encode("🦊")[:-1])
    assert detokenizer.flush() == "\ufffd"


def test_the_space_that_the_tokenizer_put_in_front_is_dropped_once() -> None:
    tokenizer = Tokenizer(sentencepiece())
    hello = tokenizer.encode("Hello")
    detokenizer = Detokenizer(tokenizer)
    assert (detokenizer.feed(hello), detokenizer.feed(hello)) == ("Hello", " Hello")


def test_a_space_at_the_start_of_a_continuation_is_kept() -> None:
    tokenizer = Tokenizer(sentencepiece())
    assert Detokenizer(tokenizer, continuing=True).feed(tokenizer.encode("Hello")) == " Hello"


def test_refused_tokens_leave_the_detokenizer_as_it_was(tokenizer: Tokenizer) -> None:
    detokenizer = Detokenizer(tokenizer)
    *first, last = tokenizer.encode("🦊")
    detokenizer.feed(first)
    with pytest.raises(TokenOutOfRangeError):
        detokenizer.feed([last, tokenizer.vocabulary_size])
    assert detokenizer.feed([last]) == "🦊"
