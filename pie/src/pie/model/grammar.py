"""What output has to obey: JSON schemas, regular expressions and Lark grammars, as masks over a model's tokens.

llguidance does the work: it walks a grammar byte by byte and knows which tokens may follow. Grammars are hostile: they come from
clients and programs. Their size is bounded before they are compiled (`pie.model.grammar_weight`), llguidance is given bounds for
each step, and a grammar whose step takes long all the same is given up.

All functions may be called from any thread. The first call prepares the vocabulary (a second for the largest), and compiling a
large grammar takes a while: these are for a thread, as llguidance lets others run meanwhile.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import llguidance

from pie.errors import ConstraintError, GrammarError
from pie.limits import (
    GRAMMAR_CHARACTERS_MAX,
    GRAMMAR_ITEMS_MAX,
    GRAMMAR_LEXER_FUEL_MAX,
    GRAMMAR_LEXER_STATES_MAX,
    GRAMMAR_STEP_S_MAX,
    GRAMMAR_SYMBOLS_MAX,
    GRAMMARS_CACHED_CHARACTERS_MAX,
    GRAMMARS_CACHED_MAX,
    TEXT_LENGTH_ON_LOOP_MAX,
)
from pie.model.grammar_weight import demand_light_lark, demand_light_regex, demand_light_schema
from pie.model.json_schema import Schema, closed
from pie.model.tokenizer import Tokenizer

_SPACING = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False, "coerce_one_of": True}
"""JSON as models are shown it; without room for white space that never ends, in which small models get lost."""

_LIMITS = llguidance.LLParserLimits(
    initial_lexer_fuel=2 * GRAMMAR_LEXER_FUEL_MAX,
    step_lexer_fuel=GRAMMAR_LEXER_FUEL_MAX,
    step_max_items=GRAMMAR_ITEMS_MAX,
    max_lexer_states=GRAMMAR_LEXER_STATES_MAX,
    max_grammar_size=GRAMMAR_SYMBOLS_MAX,
    verbose_errors=False,
)

_ERROR_CHARACTERS_MAX = 500
"""llguidance quotes the grammar in its errors."""


class Matcher:
    """A `Constraint` (see `pie.sched.constraint`): where one output stands in its grammar."""

    def __init__(self, matcher: llguidance.LLMatcher, mask_bytes: int) -> None:
        self._matcher = matcher
        self._mask_bytes = mask_bytes
        self._finished = False

    def mask(self) -> bytes:
        """Raises `ConstraintError` when the grammar turns out to be too complex."""
        started = time.thread_time()
        mask: bytes = self._matcher.compute_bitmask()
        self._demand_sound()
        if time.thread_time() - started > GRAMMAR_STEP_S_MAX:
            raise ConstraintError("the grammar takes too long to follow")
        return mask[: self._mask_bytes]

    def accept(self, token: int) -> None:
        """Raises `ConstraintError` if the token does not fit."""
        if not self._matcher.consume_token(token):
            self._demand_sound()
            raise ConstraintError(f"token {token} does not fit the grammar")

    def finished(self) -> bool:
        return bool(self._matcher.is_stopped()) and not self._matcher.is_error()

    def _demand_sound(self) -> None:
        if self._matcher.is_error():
            raise ConstraintError(_shortened(self._matcher.get_error()))


class Grammar:
    """One that has been compiled. Every output gets a matcher of its own."""

    def __init__(self, compiled: llguidance.LLMatcher, mask_bytes: int) -> None:
        self._compiled = compiled
        self._mask_bytes = mask_bytes

    def matcher(self) -> Matcher:
        return Matcher(self._compiled.deep_copy(), self._mask_bytes)


class Grammars:
    """The grammars of one model, compiled once each; those not used for longest are forgotten first."""

    def __init__(self, tokenizer: Tokenizer, stop_tokens: Sequence[int]) -> None:
        """`stop_tokens` are allowed where an output may end, and other special tokens never."""
        self._tokenizer = tokenizer
        self._stop_tokens = sorted(set(stop_tokens))
        self._mask_bytes = -(-tokenizer.vocabulary_size // 8)
        self._vocabulary: llguidance.LLTokenizer | None = None
        self._lock = Lock()
        self._cache: OrderedDict[str, Grammar] = OrderedDict()
        self._cached_characters = 0

    def json_schema(self, schema: Schema | str | bool) -> Grammar:
        """JSON that is valid under the schema, on one line. Objects that list properties have no others unless the schema says so.
        Raises `GrammarError`."""
        parsed = _parsed(schema) if isinstance(schema, str) else schema
        demand_light_schema(parsed)
        text = json.dumps(closed(parsed), ensure_ascii=False)
        return self._grammar(text, lambda: llguidance.LLMatcher.grammar_from_json_schema(text, defaults=_SPACING))

    def json_object(self) -> Grammar:
        """Any JSON object."""
        return self.json_schema({"type": "object"})

    def regex(self, regex: str) -> Grammar:
        """Text that the expression matches as a whole. Raises `GrammarError`."""
        demand_light_regex(regex)
        return self._grammar(f"/{regex}", lambda: llguidance.LLMatcher.grammar_from_regex(regex))

    def lark(self, lark: str) -> Grammar:
        """Text of a Lark grammar, in llguidance's dialect. Raises `GrammarError`."""
        demand_light_lark(lark)
        return self._grammar(f"lark:{lark}", lambda: llguidance.LLMatcher.grammar_from_lark(lark))

    # --- Parts --------------------------------------------------------------------------------------------------------

    def _grammar(self, key: str, translated: Callable[[], str]) -> Grammar:
        if len(key) > GRAMMAR_CHARACTERS_MAX:
            raise GrammarError(f"the grammar has {len(key)} characters; {GRAMMAR_CHARACTERS_MAX} can be used")
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        grammar = self._compiled(translated)
        with self._lock:
            self._keep(key, grammar)
        return grammar

    def _compiled(self, translated: Callable[[], str]) -> Grammar:
        try:
            compiled = llguidance.LLMatcher(self._prepared(), translated(), log_level=0, limits=_LIMITS)
        except ValueError as error:
            raise GrammarError(_shortened(str(error))) from error
        if compiled.is_error():
            raise GrammarError(_shortened(compiled.get_error()))
        grammar = Grammar(compiled, self._mask_bytes)
        try:
            possible = grammar.matcher().mask()
        except ConstraintError as error:
            raise GrammarError(error.message) from error
        if not any(possible):
            raise GrammarError("nothing obeys the grammar")
        return grammar

    def _keep(self, key: str, grammar: Grammar) -> None:
        if key not in self._cache:
            self._cached_characters += len(key)
        self._cache[key] = grammar
        while len(self._cache) > GRAMMARS_CACHED_MAX or self._cached_characters > GRAMMARS_CACHED_CHARACTERS_MAX:
            oldest, _ = self._cache.popitem(last=False)
            self._cached_characters -= len(oldest)

    def _prepared(self) -> llguidance.LLTokenizer:
        with self._lock:
            if self._vocabulary is None:
                own = _Vocabulary(self._tokenizer, self._stop_tokens)
                wrapped, slices = llguidance.TokenizerWrapper(own), llguidance.LLTokenizer.json_slices()
                self._vocabulary = llguidance.LLTokenizer(wrapped, eos_token=self._stop_tokens or None, slices=slices)
                own.greedy = self._vocabulary.greedy_tokenize
            return self._vocabulary


class _Vocabulary:
    """A tokenizer as llguidance asks for it."""

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer, stop_tokens: Sequence[int]) -> None:
        special = {*tokenizer.special_ids, *stop_tokens}
        self._tokenizer = tokenizer
        self.eos_token_id = stop_tokens[0] if stop_tokens else min(special, default=0)
        self.tokens = [tokenizer.bytes_of((token,)) for token in range(tokenizer.vocabulary_size)]
        self.special_token_ids = sorted(special)
        self.greedy: Callable[[str], list[int]] = lambda _: []
        """Tokens of a text, the longest first. Set as soon as llguidance can tell."""

    def __call__(self, data: bytes) -> list[int]:
        """How the model would write a text to which there is no alternative. Not for one that the tokenizer changes (spaces put in
        front, special tokens), nor for a long one: the tokenizer lets other threads in then, which is not safe."""
        text = data.decode()
        if len(text) <= TEXT_LENGTH_ON_LOOP_MAX:
            tokens = self._tokenizer.encode(text)
            if self._tokenizer.special_ids.isdisjoint(tokens) and self._tokenizer.bytes_of(tokens) == data:
                return tokens
        return self.greedy(text)


def _parsed(text: str) -> Any:
    if len(text) > GRAMMAR_CHARACTERS_MAX:
        raise GrammarError(f"the schema has {len(text)} characters; {GRAMMAR_CHARACTERS_MAX} can be used")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GrammarError(f"the schema is no JSON: {error}") from error


def _shortened(message: str) -> str:
    return message.strip()[:_ERROR_CHARACTERS_MAX]
