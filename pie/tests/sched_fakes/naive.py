"""The slow and obvious twin: one sequence, one token at a time, on pages of its own that are never used twice."""

from collections.abc import Sequence

import msgspec
import numpy as np

from pie.driver.messages import Batch, DriverLimits, Output, Request, Sample, Sampling, Slot
from pie.sched.constraint import Constraint
from pie.sched.logprobs import TokenLogprobs
from sched_fakes.history import HistoryDriver


class Entry:
    """A token in a context as it was computed: where, and attending to what (None: to all before it)."""

    def __init__(self, token: int, position: int, row: np.ndarray | None = None) -> None:
        self.token = token
        self.position = position
        self.row = row


class NaiveSequence:
    """A driver to itself. Groups of entries whose rows look ahead cannot be computed one by one, and are fed as a whole."""

    def __init__(self, driver_limits: DriverLimits, groups: list[list[Entry]]) -> None:
        pages = -(-driver_limits.context_max // driver_limits.page_size)
        self._driver = HistoryDriver(msgspec.structs.replace(driver_limits, pages_total=pages, batch_tokens_max=1 << 20))
        self._pages = np.arange(pages, dtype=np.int32).tobytes()
        self.logprobs: list[TokenLogprobs] = []
        self._vocabulary_size = driver_limits.vocabulary_size
        self._batch = 0
        self._cached = 0
        for group in groups:
            self.feed(group)

    def feed(
        self, group: list[Entry], slots: Sequence[Slot] = (), logit_mask: bytes = b"", top_logprobs: int | None = None
    ) -> Output:
        self._batch += 1
        width = self._cached + len(group)
        rows = [_causal(width, number - len(group)) if entry.row is None else entry.row for number, entry in enumerate(group)]
        plain = all(entry.row is None for entry in group)
        request = Request(
            sequence=1,
            tokens=_int32([entry.token for entry in group]),
            positions=_int32([entry.position for entry in group]),
            cached=self._cached,
            pages=self._pages,
            slots=tuple(slots),
            logit_mask=logit_mask,
            top_logprobs=top_logprobs,
            attention_mask=b"" if plain else np.concatenate([row[:width] for row in rows]).astype(np.uint8).tobytes(),
        )
        self._cached = width
        return self._driver.compute(Batch(self._batch, (request,))).outputs[0]

    def generate(
        self,
        prompt: list[int],
        sampling: Sampling,
        tokens_max: int,
        stop_tokens: Sequence[int],
        logit_mask: bytes,
        top_logprobs: int | None = None,
        constraint: Constraint | None = None,
    ) -> tuple[list[int], str]:
        """Tokens without the stop token, and why it ended. Their log-probabilities are in `logprobs` then."""
        for token in prompt[:-1]:
            self.feed([Entry(token, self._cached)])
        tokens: list[int] = []
        token = prompt[-1]
        while len(tokens) < tokens_max:
            mask = logit_mask if constraint is None else _obedient(constraint, logit_mask, stop_tokens, self._vocabulary_size)
            if mask and not any(mask):
                return tokens, "length" if tokens and constraint.finished() and not stop_tokens else "contradiction"
            output = self.feed([Entry(token, self._cached)], [Sample(0, sampling)], mask, top_logprobs)
            token = int(np.frombuffer(output.tokens, np.int32)[0])
            if token in stop_tokens:
                return tokens, "stop"
            tokens.append(token)
            self._note(output, top_logprobs)
            if constraint is not None:
                constraint.accept(token)
        return tokens, "length"

    def _note(self, output: Output, top: int | None) -> None:
        if top is not None:
            drawn, *likeliest = np.frombuffer(output.logprobs, np.float32).tolist()
            tokens = np.frombuffer(output.top_tokens, np.int32).tolist()
            self.logprobs.append(TokenLogprobs(drawn, tuple(zip(tokens, likeliest, strict=True))))


def _obedient(constraint: Constraint, logit_mask: bytes, stop_tokens: Sequence[int], size: int) -> bytes:
    if constraint.finished():
        return np.packbits([token in stop_tokens for token in range(size)], bitorder="little").tobytes()
    masks = [mask for mask in (constraint.mask(), logit_mask) if mask]
    return bytes([byte & masks[-1][place] for place, byte in enumerate(masks[0])]) if masks else b""


def _causal(width: int, from_end: int) -> np.ndarray:
    row = np.ones(width, np.uint8)
    row[width + from_end + 1 :] = 0
    return row


def _int32(values: list[int]) -> bytes:
    return np.array(values, np.int32).tobytes()
