"""Computes batches: the worker's core.

A batch is computed in passes. A *pass* is some rows that step together: requests that feed one token each (they decode in lanes)
and requests that feed more (chunks). If there are chunks, or anything but one draw is to be read off, the first pass is a single
step of everything; then all requests that have steps left decode in passes of as many steps as all of them still have.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pie.driver.memory import Last, SequenceMemory
from pie.driver.messages import Batch, BatchResult, DriverLimits, Output, Reading, Request, Sample
from pie.driver.validity import check_batch, inputs_count, integers
from pie_worker.crew import Crew
from pie_worker.drawn_logprobs import Known
from pie_worker.kv.chunks import Chunk, ChunkBlock
from pie_worker.kv.lane_block import Decoding
from pie_worker.kv.lanes import Lanes
from pie_worker.kv.paged import Int64s, PagedCache
from pie_worker.models.decoder import Attend, Decoder
from pie_worker.readings import read_off
from pie_worker.sampling import Draw, Draws, allowed_rows


@dataclass(slots=True)
class Row:
    """A request on its way through the passes of its batch."""

    request: Request
    pages: Int64s
    tokens: list[int]
    """What it feeds next."""
    positions: list[int]
    cached: int
    drawn: list[int] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    logprobs: list[bytes] = field(default_factory=list)
    top_tokens: list[bytes] = field(default_factory=list)
    steps_left: int = 0
    is_stopped: bool = False

    @property
    def is_decoding(self) -> bool:
        return len(self.tokens) == 1 and not self.request.attention_mask

    @property
    def is_only_drawing(self) -> bool:
        """Whether all that is left to do is to draw after the one token it feeds."""
        slots = self.request.slots
        return self.is_decoding and len(slots) == 1 and isinstance(slots[0], Sample)

    def take(self, tokens: list[int], known: Known | None = None) -> None:
        """What was drawn: in the steps of a pass, or at a sample of a single step."""
        if self.request.steps == 1:
            self._keep(tokens, known)
            self.steps_left, self.is_stopped = 0, tokens[-1] in self.request.stop_tokens
            return
        for place, token in enumerate(tokens):
            if token in self.request.stop_tokens:
                tokens, self.is_stopped = tokens[: place + 1], True
                break
        self.steps_left = 0 if self.is_stopped else self.steps_left - len(tokens)
        self._keep(tokens, known)
        self.cached += len(self.tokens) + len(tokens) - 1
        self.positions = [self.positions[-1] + len(tokens)]
        self.tokens = [tokens[-1]]

    def _keep(self, tokens: list[int], known: Known | None) -> None:
        self.drawn += tokens
        if known is not None:
            self.logprobs.append(known.logprobs[: len(tokens)].tobytes())
            self.top_tokens.append(known.top_tokens[: len(tokens)].tobytes())

    def output(self) -> Output:
        return Output(
            np.array(self.drawn, dtype="<i4").tobytes(),
            tuple(self.readings),
            self.is_stopped,
            b"".join(self.logprobs),
            b"".join(self.top_tokens),
        )

    def last(self) -> Last | None:
        return Last(self.drawn[-1], self.is_stopped) if self.drawn else None


class Pass:
    """Rows that step together: an `Attend` over lanes and chunks, and what is fed first."""

    def __init__(self, decoder: Decoder, cache: PagedCache, lanes: Lanes, rows: Sequence[Row], steps: int) -> None:
        self._lanes = lanes
        decoding = [
            Decoding(index, row.request.sequence, row.pages, row.cached) for index, row in enumerate(rows) if row.is_decoding
        ]
        self._blocks, left_over = lanes.open(decoding, steps) if decoding else ([], [])
        chunked = sorted([one.index for one in left_over] + [index for index, row in enumerate(rows) if not row.is_decoding])
        # A chunk has one step. Rows for which there is no lane are rare enough to open a pass for each step.
        self.steps = 1 if chunked else steps
        self.order = [one.index for block in self._blocks for one in block.rows] + chunked
        self.rows = [rows[index] for index in self.order]
        """In the order of their inputs in a step"""
        chunks = [_chunk(rows[index]) for index in chunked]
        architecture = decoder.architecture
        group = architecture.query_heads // architecture.kv_heads
        self._chunks = ChunkBlock(cache, chunks, architecture.windows, decoder.dtype, group) if chunks else None
        counts = [len(block.rows) for block in self._blocks] + ([sum(chunk.count for chunk in chunks)] if chunks else [])
        self._counts = counts
        self._attends: list[Attend] = [block.attend for block in self._blocks]
        if self._chunks is not None:
            self._attends.append(self._chunks.attend)
        self._attend = self._attends[0] if len(self._attends) == 1 else self._attend_parts
        tokens = [token for row in self.rows for token in row.tokens]
        positions = torch.tensor([position for row in self.rows for position in row.positions], device=decoder.device)
        self.tokens = torch.tensor(tokens, device=decoder.device)
        later = torch.arange(self.steps, device=decoder.device).unsqueeze(1)
        self._rotations = decoder.rotation(positions + later)
        self._decoder = decoder
        self._step = 0

    def hidden(self, tokens: Tensor) -> Tensor:
        """One step: what the model makes of these inputs."""
        return self._decoder.hidden(tokens, self._rotations.step(self._step), self._attend)

    def advance(self) -> None:
        self._step += 1
        for block in self._blocks:
            block.advance()

    def settle(self) -> None:
        self._lanes.settle()
        if self._chunks is not None:
            self._chunks.settle()

    def _attend_parts(self, layer: int, queries: Tensor, keys_values: Tensor) -> Tensor:
        """Rows of several blocks: each reads its own."""
        parts = zip(self._attends, torch.split(queries, self._counts), torch.split(keys_values, self._counts), strict=True)
        return torch.cat([attend(layer, own, own_keys_values) for attend, own, own_keys_values in parts])


def _chunk(row: Row) -> Chunk:
    count = len(row.tokens)
    mask = None
    if row.request.attention_mask:
        mask = np.frombuffer(row.request.attention_mask, dtype=np.uint8).reshape(count, row.cached + count) != 0
        own = np.arange(count)
        mask[own, row.cached + own] |= ~mask.any(1)
    return Chunk(row.pages, row.cached, count, mask)


class Runner:
    def __init__(self, decoder: Decoder, cache: PagedCache, lanes: Lanes, limits: DriverLimits, crew: Crew | None = None) -> None:
        self._decoder = decoder
        self._crew = crew or Crew(1)
        self._cache = cache
        self._lanes = lanes
        self._limits = limits
        self._memory = SequenceMemory()

    @torch.inference_mode()
    def compute(self, batch: Batch) -> BatchResult:
        """Raises `DriverError` for an invalid batch. After any error nothing is left that a later batch could go on from."""
        started = time.perf_counter()
        try:
            check_batch(batch, self._limits)
            rows = [self._row(request) for request in batch.requests]
            if batch.copies:
                self._cache.copy(batch.copies)
            self._compute([row for row in rows if not row.is_stopped])
        except Exception:
            self._memory.fail(batch)
            raise
        for row in rows:
            if row.drawn or not row.is_stopped:
                self._memory.settle(row.request.sequence, row.last())
        self._forget(batch)
        return BatchResult(batch.id, tuple(row.output() for row in rows), time.perf_counter() - started)

    def _forget(self, batch: Batch) -> None:
        self._memory.forget(batch)
        for sequence in batch.forget:
            self._lanes.forget(sequence)

    def _row(self, request: Request) -> Row:
        """A row that is stopped before anything was drawn is one to skip."""
        tokens, is_stopped = integers(request.tokens).tolist(), False
        if not tokens:
            last = self._memory.last(request)
            tokens, is_stopped = [last.token], last.stopped
        if request.positions:
            positions = integers(request.positions).tolist()
        else:
            positions = list(range(request.cached, request.cached + inputs_count(request)))
        pages = integers(request.pages).astype(np.int64)
        return Row(request, pages, tokens, positions, request.cached, steps_left=request.steps, is_stopped=is_stopped)

    def _compute(self, rows: list[Row]) -> None:
        if not rows:
            return
        if not all(row.is_only_drawing for row in rows):
            self._read(rows)
        while active := [row for row in rows if row.steps_left]:
            self._decode(active, min(row.steps_left for row in active))

    def _read(self, rows: list[Row]) -> None:
        """One step of all rows, with everything that is to be read off."""
        one = Pass(self._decoder, self._cache, self._lanes, rows, 1)
        with self._crew.step(one.tokens.numel()):
            states = one.hidden(one.tokens)
            one.advance()
            one.settle()
            _read_slots(self._decoder, states, one.rows, self._limits.vocabulary_size)

    def _decode(self, rows: list[Row], steps: int) -> None:
        """Draws for rows that feed one token each, until the steps are done or too many rows have stopped."""
        one = Pass(self._decoder, self._cache, self._lanes, rows, steps)
        draws = Draws([_draw(row) for row in one.rows], self._limits.vocabulary_size, one.steps, self._decoder.device)
        tokens, drawn = one.tokens, []
        watch = _StopWatch(one.rows)
        for step in range(one.steps):
            with self._crew.step(len(one.rows)):
                tokens = draws.draw(self._decoder.logits(one.hidden(tokens)), step)
            drawn.append(tokens)
            one.advance()
            if watch.is_over(tokens):
                break
        one.settle()
        known = draws.logprobs.of_rows()
        for number, (row, own) in enumerate(zip(one.rows, torch.stack(drawn, 1).tolist(), strict=True)):
            row.take(own, known.get(number))


class _StopWatch:
    """Says when going on with a pass is a waste: half of its rows have stopped, and the others are better off alone."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._stop_tokens = [row.request.stop_tokens for row in rows]
        self._is_watching = any(self._stop_tokens)
        self._stopped: set[int] = set()

    def is_over(self, tokens: Tensor) -> bool:
        if not self._is_watching:
            return False
        for row, token in enumerate(tokens.tolist()):
            if token in self._stop_tokens[row]:
                self._stopped.add(row)
        return 2 * len(self._stopped) >= len(self._stop_tokens)


def _draw(row: Row) -> Draw:
    slot = row.request.slots[0]
    assert isinstance(slot, Sample)
    return Draw(slot.sampling, row.positions[0] + 1, row.request.logit_mask, row.request.top_logprobs)


def _read_slots(decoder: Decoder, states: Tensor, rows: Sequence[Row], vocabulary_size: int) -> None:
    """Reads off what the rows of a step asked for. The output matrix is multiplied with those inputs only."""
    starts = np.cumsum([0] + [len(row.tokens) for row in rows]).tolist()
    wanted = [(row, slot, start + slot.index) for row, start in zip(rows, starts, strict=False) for slot in row.request.slots]
    if wanted:
        places = torch.tensor([place for _, _, place in wanted], device=states.device)
        logits = decoder.logits(states.index_select(0, places))
        allowed = allowed_rows([row.request.logit_mask for row, _, _ in wanted], vocabulary_size, states.device)
        for at, (row, slot, _) in enumerate(wanted):
            if not isinstance(slot, Sample):
                row.readings.append(read_off(slot, logits[at], None if allowed is None else allowed[at]))
        samples = [(at, row, slot) for at, (row, slot, _) in enumerate(wanted) if isinstance(slot, Sample)]
        if samples:
            _draw_samples(logits, samples, vocabulary_size)
    for row in rows:
        if row.request.steps == 1:
            row.steps_left = 0


def _draw_samples(logits: Tensor, samples: Sequence[tuple[int, Row, Sample]], vocabulary_size: int) -> None:
    rows = [
        Draw(slot.sampling, row.positions[slot.index] + 1, row.request.logit_mask, row.request.top_logprobs)
        for _, row, slot in samples
    ]
    draws = Draws(rows, vocabulary_size, 1, logits.device)
    places = torch.tensor([at for at, _, _ in samples], device=logits.device)
    chosen = draws.draw(logits.index_select(0, places), 0).tolist()
    known = draws.logprobs.of_rows()
    for number, ((_, row, _), token) in enumerate(zip(samples, chosen, strict=True)):
        row.take([token], known.get(number))
