import pytest
from scripted_engine import Engine

from inferlet import HostError, Model


def test_a_model_that_is_not_loaded_is_an_error_with_a_code(engine: Engine) -> None:
    with pytest.raises(HostError) as failure:
        Model.load("nobody")
    assert failure.value.code == "model-not-found"


def test_facts_of_a_model_are_asked_for_once(engine: Engine, model: Model) -> None:
    assert (model.name, model.info.context_max, model.default_system_speculation()) == ("fake", 512, False)
    assert engine.count("info") == 1


def test_a_tokenizer_encodes_and_decodes(model: Model) -> None:
    tokenizer = model.tokenizer()
    assert tokenizer.decode(tokenizer.encode("Zürich")) == "Zürich"


def test_a_token_out_of_range_cannot_be_decoded(model: Model) -> None:
    with pytest.raises(HostError) as failure:
        model.tokenizer().decode([9999])
    assert failure.value.code == "token-out-of-range"


def test_a_tokenizer_tells_its_vocabulary(model: Model) -> None:
    tokenizer = model.tokenizer()
    assert tokenizer.vocabs()[1][97] == b"a"
    assert tokenizer.special_tokens() == ([259, 260], [b"<stop>", b"<begin>"])
    assert tokenizer.split_regex() == ""
