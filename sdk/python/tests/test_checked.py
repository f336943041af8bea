from typing import Any

import pytest
from scripted_engine import Engine

from inferlet import Context, Distribution, Logprob, Model, Sampler, chat, checked, session

ARGMAX = Sampler.argmax()


@pytest.mark.parametrize("value", ["", "plain", "Zürich", "日本", "🍞"])
def test_text_is_text(value: Any) -> None:
    assert checked.text(value) == value


@pytest.mark.parametrize(
    ("value", "error"), [(42, TypeError), (None, TypeError), (b"bytes", TypeError), ("half \ud83c", ValueError)]
)
def test_what_is_no_text_is_refused(value: Any, error: Any) -> None:
    with pytest.raises(error):
        checked.text(value)


@pytest.mark.parametrize("values", [[], [0, 2**32 - 1], (1, 2), range(3), [True]])
def test_whole_numbers_that_fit_are_numbers(values: Any) -> None:
    assert checked.numbers(values) == list(values)


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ([1, -1], ValueError, "not -1"),
        ([2**32], ValueError, "not 4294967296"),
        ([1, "a"], TypeError, "not str: 'a'"),
        ([None], TypeError, "not NoneType"),
        ([1.0], TypeError, "not float: 1.0"),
    ],
)
def test_of_other_numbers_the_first_is_named(values: Any, error: Any, words: Any) -> None:
    with pytest.raises(error, match=words):
        checked.numbers(values)


@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_seed_that_does_not_fit_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="seed"):
        Sampler.top_p(seed=value)


WRONG = {
    "a model's name": lambda context: Model.load(3),
    "a text to encode": lambda context: context.model.tokenizer().encode(3),
    "tokens to decode": lambda context: context.model.tokenizer().decode(["a"]),
    "a context's name": lambda context: context.save(3),
    "a temperature": lambda context: Sampler.top_p("hot"),
    "a k": lambda context: Sampler.top_k(1.0, 2.5),
    "tokens to append": lambda context: context.append([None]),
    "how much to truncate": lambda context: context.truncate(-1),
    "inputs": lambda context: context.forward().input([None]),
    "scored inputs": lambda context: context.forward().input_at(["a"], [0]),
    "positions": lambda context: context.forward().input_at([1], [-1]),
    "a logit mask": lambda context: context.forward().mask([-1]),
    "an attention mask": lambda context: context.forward().attention_mask([[0.5]]),
    "max_tokens": lambda context: context.generate(ARGMAX, max_tokens=2.5),
    "max_tokens set later": lambda context: context.generate(ARGMAX).max_tokens(-1),
    "stop tokens": lambda context: context.generate(ARGMAX, stop=["x"]),
    "accepted tokens": lambda context: context.generate(ARGMAX).accept([None]),
    "a probe's k": lambda context: context.forward().probe(0, Distribution(1.0, -1)),
    "a probe's token": lambda context: context.forward().probe(0, Logprob("a")),
    "tokens to feed": lambda context: chat.Decoder(context.model).feed([None]),
    "a turn": lambda context: chat.user(context.model, None),
    "half a character": lambda context: session.send("\ud83c"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_nothing_wrong_reaches_the_engine(engine: Engine, model: Model, wrong: Any) -> None:
    context = Context(model)
    calls = {"load", "send", "save", "truncate"}
    before = [call for call in engine.calls if call in calls]
    with pytest.raises((TypeError, ValueError)):
        wrong(context)
    assert [call for call in engine.calls if call in calls] == before
