import asyncio
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pie.model.grammar
from pie.driver.dummy import DEFAULT_LIMITS, DummyDriver
from pie.driver.messages import Sampling
from pie.errors import ConstraintError, GrammarError
from pie.model.grammar import Grammar, Grammars, Matcher
from pie.model.tokenizer import Tokenizer
from pie.sched.scheduler import Scheduler
from pie.sched.work import GenerateOptions
from sample_tokenizers import byte_level, metaspace, sentencepiece

PADDING = 5
"""Rows of the model's embedding without a token."""


@cache
def tokenizer(make: Callable[[], bytes] = byte_level) -> Tokenizer:
    return Tokenizer(make(), Tokenizer(make()).vocabulary_size + PADDING)


def stop_tokens(of: Tokenizer) -> list[int]:
    return [token for text in ("</s>", "<|im_end|>") if (token := of.id_of(text)) is not None]


@pytest.fixture
def grammars() -> Grammars:
    return Grammars(tokenizer(), stop_tokens(tokenizer()))


def allowed(matcher: Matcher, of: Tokenizer | None = None) -> list[bytes]:
    """The bytes of all tokens that may follow."""
    of = of or tokenizer()
    mask = matcher.mask()
    assert len(mask) == -(-of.vocabulary_size // 8)
    return [of.bytes_of((int(token),)) for token in np.flatnonzero(np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little"))]


def fits(grammar: Grammar, text: str, of: Tokenizer | None = None) -> bool:
    """Whether the text obeys the grammar as a whole, byte by byte."""
    of = of or tokenizer()
    single = {data: token for token in reversed(range(of.vocabulary_size)) if len(data := of.bytes_of((token,))) == 1}
    matcher = grammar.matcher()
    try:
        for byte in text.encode():
            matcher.accept(single[bytes([byte])])
    except ConstraintError:
        return False
    return matcher.finished() or b"</s>" in allowed(matcher, of)


# --- What obeys -------------------------------------------------------------------------------------------------------


def test_an_object_is_closed_unless_it_says_otherwise(grammars):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert fits(grammars.json_schema(schema), '{"a": 1}')
    assert not fits(grammars.json_schema(schema), '{"a": 1, "b": 2}')
    assert fits(grammars.json_schema({**schema, "additionalProperties": True}), '{"a": 1, "b": 2}')


def test_a_schema_may_come_as_text(grammars):
    assert fits(grammars.json_schema('{"enum": ["x", 7]}'), "7")


def test_json_is_written_on_one_line(grammars):
    grammar = grammars.json_object()
    assert fits(grammar, '{"a": [1, {}]}')
    assert not fits(grammar, '{\n"a": 1}')
    assert not fits(grammar, '{"a":    1}')


def test_any_object_is_an_object(grammars):
    assert not fits(grammars.json_object(), "[1]")


def test_a_regular_expression_matches_the_whole(grammars):
    assert fits(grammars.regex("(ab)+c"), "ababc")
    assert not fits(grammars.regex("(ab)+c"), "abab")


def test_a_lark_grammar(grammars):
    assert fits(grammars.lark('start: "a" start "b" | "c"'), "aacbb")


def test_what_is_open_to_no_choice_is_written_as_the_tokenizer_writes_it(grammars):
    matcher = grammars.json_schema({"const": "The quick brown fox"}).matcher()
    tokens = tokenizer().encode('"The quick brown fox"')
    for token in tokens:
        assert allowed(matcher) == [tokenizer().bytes_of((token,))]
        matcher.accept(token)
    assert matcher.finished()


def test_stop_tokens_are_allowed_where_the_output_may_end_and_other_special_tokens_never(grammars):
    matcher = grammars.regex("a+").matcher()
    assert b"</s>" not in allowed(matcher)
    matcher.accept(tokenizer().encode("a")[0])
    assert {b"</s>", b"<|im_end|>"} <= set(allowed(matcher))
    assert b"<|eot_id|>" not in allowed(matcher)


def test_special_tokens_are_no_text(grammars):
    assert b"<|eot_id|>" not in allowed(grammars.regex(".*").matcher())


def test_ids_without_a_token_are_never_allowed(grammars):
    assert b"" not in allowed(grammars.regex("(.|\n)*").matcher())


@pytest.mark.parametrize("make", [byte_level, sentencepiece, metaspace])
def test_grammars_work_with_every_kind_of_tokenizer(make):
    of = tokenizer(make)
    grammar = Grammars(of, stop_tokens(of)).json_schema({"enum": ["The end", "Hello"]})
    assert fits(grammar, '"The end"', of) and fits(grammar, '"Hello"', of) and not fits(grammar, '"Hell"', of)


def test_a_token_that_does_not_fit_is_refused(grammars):
    with pytest.raises(ConstraintError):
        grammars.regex("a").matcher().accept(tokenizer().encode("b")[0])


def test_matchers_of_one_grammar_go_their_own_ways(grammars):
    grammar = grammars.regex("a+b")
    one, other = grammar.matcher(), grammar.matcher()
    one.accept(tokenizer().encode("a")[0])
    assert b"b" in allowed(one) and b"b" not in allowed(other)


SCALARS = st.one_of(
    st.builds(
        lambda low, size: {"type": "integer", "minimum": low, "maximum": low + size}, st.integers(-50, 50), st.integers(0, 200)
    ),
    st.builds(lambda size: {"type": "string", "maxLength": size}, st.integers(0, 6)),
    st.just({"type": "boolean"}),
    st.just({"type": "string", "format": "date"}),
    st.builds(lambda values: {"enum": values}, st.lists(st.sampled_from(["x", "y z", 1, None, "é\n"]), min_size=1, unique=True)),
    st.builds(lambda value: {"const": value}, st.sampled_from([0, "a", [1], {"b": None}])),
)


def _object(properties: dict, required: int, is_open: bool) -> dict:
    schema = {"type": "object", "properties": properties, "required": list(properties)[:required]}
    return schema if not is_open else {**schema, "additionalProperties": {"type": "boolean"}, "maxProperties": len(properties) + 1}


SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda items, most: {"type": "array", "items": items, "maxItems": most}, inner, st.integers(0, 3)),
        st.builds(_object, st.dictionaries(st.sampled_from("abcd"), inner, max_size=3), st.integers(0, 3), st.just(False)),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=5,
)


async def generated(grammar: Grammar, seeds: list[int]) -> list[tuple[str, str | None]]:
    """What comes out of a driver that draws anything."""
    limits = msgspec.structs.replace(DEFAULT_LIMITS, vocabulary_size=tokenizer().vocabulary_size)
    scheduler = Scheduler(DummyDriver(limits))
    await scheduler.start()
    try:
        stops = stop_tokens(tokenizer())
        works = [
            scheduler.generate(
                scheduler.create_context("process"),
                [1],
                GenerateOptions(Sampling(4.0, seed=seed), 150, stops, constraint=grammar.matcher()),
            )
            for seed in seeds
        ]
        while not all(work.done for work in works):
            await asyncio.sleep(0)
        assert all(work.error is None for work in works)
        return [(tokenizer().decode(work.take()), work.finish) for work in works]
    finally:
        await scheduler.close()


@settings(max_examples=40, deadline=None)
@given(SCHEMAS, st.integers(1, 1 << 60))
def test_whatever_is_drawn_the_output_is_valid_under_the_schema(schema, seed):
    grammar = Grammars(tokenizer(), stop_tokens(tokenizer())).json_schema(schema)
    for text, finish in asyncio.run(generated(grammar, [seed, seed + 1])):
        if finish == "stop":
            jsonschema.validate(json.loads(text), schema)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(["[a-z]{3}", "(yes|no)( indeed)?", r"\d{4}-\d\d", "é+!"]), st.integers(1, 1 << 60))
def test_whatever_is_drawn_the_output_matches_the_expression(regex, seed):
    grammar = Grammars(tokenizer(), stop_tokens(tokenizer())).regex(regex)
    for text, finish in asyncio.run(generated(grammar, [seed])):
        assert finish == "length" or re.fullmatch(regex, text)


async def test_most_outputs_of_a_small_schema_come_to_their_end(grammars):
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"enum": ["x", "y"]}}, "required": ["a", "b"]}
    outputs = await generated(grammars.json_schema(schema), list(range(1, 9)))
    assert {finish for _, finish in outputs} == {"stop"}


# --- What is refused --------------------------------------------------------------------------------------------------

BAD_SCHEMAS = {
    "no JSON": "{",
    "no schema": "[1]",
    "unknown type": {"type": "foo"},
    "reference to elsewhere": {"$ref": "http://example.com/schema"},
    "reference to a file": {"$ref": "file:///etc/passwd"},
    "nothing is valid": False,
    "contradiction": {"enum": []},
    "too deep": json.dumps({"type": "integer"}).join(['{"items":' * 200, "}" * 200]),
    "deeper than Python goes": "[" * 100_000,
    "heavy pattern": {"type": "string", "pattern": "(a{1000}){1000}"},
    "heavy constant": {"const": "ab" * 20_000},
    "too long": {"enum": [f"value {number}" for number in range(50_000)]},
    "lone surrogate": {"const": "\ud800"},
}


@pytest.mark.parametrize("schema", BAD_SCHEMAS.values(), ids=BAD_SCHEMAS.keys())
def test_a_schema_that_cannot_be_used_is_refused(grammars, schema):
    with pytest.raises(GrammarError):
        grammars.json_schema(schema)


@pytest.mark.parametrize("regex", ["(", "a{1000000}", "(a{100}){1000}", "(?=a)b", r"(a)\1", "a" * 20_000, "(" * 1000, "\ud800"])
def test_an_expression_that_cannot_be_used_is_refused(grammars, regex):
    with pytest.raises(GrammarError):
        grammars.regex(regex)


@pytest.mark.parametrize(
    "lark",
    [
        "",
        "start: nope",
        "start: /a{1000000}/",
        'start: %json {"type": "string", "pattern": "a{1000000}"}',
        "start: " + '("a" | ' * 3000 + '"b"' + ")" * 3000,
        'start: "' + "a" * 20_000 + '"',
    ],
)
def test_a_lark_grammar_that_cannot_be_used_is_refused(grammars, lark):
    with pytest.raises(GrammarError):
        grammars.lark(lark)


def test_a_grammar_that_gets_too_complex_on_the_way_ends_with_an_error(grammars, monkeypatch):
    matcher = grammars.regex("a+").matcher()
    monkeypatch.setattr(pie.model.grammar, "GRAMMAR_STEP_S_MAX", -1.0)
    with pytest.raises(ConstraintError, match="too long"):
        matcher.mask()


# --- The cache --------------------------------------------------------------------------------------------------------


def test_a_grammar_is_compiled_once(grammars):
    assert grammars.json_schema({"type": "integer"}) is grammars.json_schema('{"type":"integer"}')


def test_grammars_of_two_kinds_are_not_confused(grammars):
    assert not fits(grammars.regex("1"), '"1"') and fits(grammars.json_schema({"const": "1"}), '"1"')


def test_those_not_used_for_longest_are_forgotten(grammars, monkeypatch):
    monkeypatch.setattr(pie.model.grammar, "GRAMMARS_CACHED_MAX", 2)
    first, second = grammars.regex("a"), grammars.regex("b")
    assert grammars.regex("a") is first
    grammars.regex("c")
    assert grammars.regex("a") is first and grammars.regex("b") is not second


def test_large_ones_make_room(grammars, monkeypatch):
    monkeypatch.setattr(pie.model.grammar, "GRAMMARS_CACHED_CHARACTERS_MAX", 30)
    first = grammars.regex("a" * 20)
    grammars.regex("b" * 20)
    assert grammars.regex("a" * 20) is not first


async def test_grammars_may_be_compiled_in_threads(grammars):
    made = await asyncio.gather(*[asyncio.to_thread(grammars.regex, f"a{{1,{number}}}") for number in range(1, 9)])
    assert all(fits(grammar, "a") for grammar in made)


def test_the_model_in_the_box_has_grammars():
    folder = Path(pie.model.grammar.__file__).parents[1] / "data/pie-tiny"
    own = Tokenizer.load(folder)
    matcher = Grammars(own, [own.id_of("<|im_end|>")]).json_object().matcher()
    assert b"{" in b"".join(allowed(matcher, own))
