import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Reference

from pie.errors import InvalidArgumentError, ModelError, TokenOutOfRangeError
from pie.model.tokenizer import Tokenizer
from sample_tokenizers import LLAMA_PATTERN, SPECIAL, byte_level, metaspace, sentencepiece

KINDS = [byte_level, sentencepiece, metaspace]
TEXTS = ["Hello there", " two  spaces ", "naïve 你好 🦊\n\tend", "", "a", " ", "<|im_start|>user\nHi<|im_end|>", "▁"]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def file(request: pytest.FixtureRequest) -> bytes:
    content = request.param()
    assert isinstance(content, bytes)
    return content


@pytest.mark.parametrize("text", TEXTS)
def test_encoding_is_that_of_the_library_without_added_tokens(file: bytes, text: str) -> None:
    assert Tokenizer(file).encode(text) == Reference.from_buffer(file).encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("text", TEXTS)
def test_decoding_is_that_of_the_library_with_special_tokens_kept(file: bytes, text: str) -> None:
    tokenizer, reference = Tokenizer(file), Reference.from_buffer(file)
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens) == reference.decode(tokens, skip_special_tokens=False)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁")).filter(lambda text: not text.startswith(" ")))
def test_a_text_survives_encoding_and_decoding(text: str) -> None:
    for kind in KINDS:
        tokenizer = Tokenizer(kind())
        if not any(special in text for special in SPECIAL):
            assert tokenizer.decode(tokenizer.encode(text)) == text


def test_special_tokens_are_recognised_by_encode_and_not_by_encode_plain(file: bytes) -> None:
    tokenizer = Tokenizer(file)
    end = tokenizer.id_of("<|im_end|>")
    assert tokenizer.encode("x<|im_end|>")[-1] == end
    plain = tokenizer.encode_plain("x<|im_end|>")
    assert tokenizer.special_ids.isdisjoint(plain)
    assert tokenizer.decode(plain) == "x<|im_end|>"
    assert tokenizer.encode("<|im_end|>")[-1] == end


def test_the_vocabulary_lists_every_token_with_its_bytes(file: bytes) -> None:
    tokenizer = Tokenizer(file)
    ids, data = tokenizer.vocabulary()
    assert ids == sorted(Reference.from_buffer(file).get_vocab().values())
    by_id = dict(zip(ids, data, strict=True))
    tokens = tokenizer.encode("Hello 你好 🦊")
    assert b"".join(by_id[token] for token in tokens).decode().strip() == "Hello 你好 🦊"


def test_special_tokens_are_listed_with_their_texts() -> None:
    ids, data = Tokenizer(byte_level()).special_tokens()
    assert ids == sorted(ids)
    assert data == [special.encode() for special in SPECIAL]


def test_the_split_pattern_is_the_one_of_the_file() -> None:
    assert Tokenizer(byte_level()).split_pattern == LLAMA_PATTERN
    assert Tokenizer(sentencepiece()).split_pattern == ""


def test_a_token_outside_the_vocabulary_is_refused(file: bytes) -> None:
    tokenizer = Tokenizer(file)
    for token in (tokenizer.vocabulary_size, -1):
        with pytest.raises(TokenOutOfRangeError, match=f"token {token} is not in the vocabulary"):
            tokenizer.decode([0, token])


def test_a_model_with_more_rows_than_tokens_decodes_the_padding_to_nothing() -> None:
    tokenizer = Tokenizer(byte_level(), vocabulary_size=1024)
    assert tokenizer.vocabulary_size == 1024
    assert tokenizer.decode([*tokenizer.encode("Hi"), 1000]) == "Hi"


def test_a_model_with_fewer_rows_than_tokens_does_not_belong_to_the_tokenizer() -> None:
    with pytest.raises(ModelError, match=r"has \d+ tokens but the model's vocabulary holds 100"):
        Tokenizer(byte_level(), vocabulary_size=100)


def test_bytes_that_are_no_utf8_decode_to_replacement_characters(file: bytes) -> None:
    tokenizer = Tokenizer(file)
    first_of_four = tokenizer.encode("🦊")[:-1]
    assert tokenizer.decode([*first_of_four, *tokenizer.encode("a")]).count("\ufffd") == 1


def test_a_lone_surrogate_is_refused(file: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="surrogate"):
        Tokenizer(file).encode("\ud800")


def test_truncation_and_padding_in_the_file_are_switched_off() -> None:
    reference = Reference.from_buffer(byte_level())
    reference.enable_truncation(2)
    reference.enable_padding(length=10)
    tokenizer = Tokenizer(reference.to_str().encode())
    assert tokenizer.decode(tokenizer.encode("Hello there, how are you")) == "Hello there, how are you"


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"model": {"type": "BPE"}}'])
def test_a_broken_file_is_a_model_error(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read"):
        Tokenizer(content)


def test_a_decoder_of_another_kind_is_a_model_error() -> None:
    file = json.loads(byte_level())
    file["decoder"] = {"type": "WordPiece", "prefix": "##", "cleanup": True}
    with pytest.raises(ModelError, match="WordPiece"):
        Tokenizer(json.dumps(file).encode())


def test_an_absurd_token_id_is_a_model_error() -> None:
    file = json.loads(byte_level())
    file["model"]["vocab"] |= {"far": 4_000_000_000}
    with pytest.raises(ModelError, match="4000000000"):
        Tokenizer(json.dumps(file).encode())
