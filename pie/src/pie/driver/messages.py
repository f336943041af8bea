"""Messages between the scheduler and a driver.

One `Batch` goes out, one `BatchResult` comes back. Token and page lists travel as raw little-endian int32 buffers, so a
message is a few small headers and some memory copies. The structs are msgpack arrays on the wire (msgspec, `array_like`).

A request names a *sequence*: a run of tokens whose KV lives in the pages listed with it. Page tables belong to the engine; the
driver keeps, per sequence, only what the last batch left: the last token drawn and whether a stop token was drawn. That lets the
engine hand out batch n+1 before it has seen the result of batch n: a request with empty `tokens` goes on from the driver's own
last token, and is skipped (an `Output` without tokens, `stopped` set) if the sequence stopped in between.

A batch names a sequence at most once. What makes a batch valid is written down in `pie.driver.validity`; an invalid one fails as a
whole. A failed batch leaves its sequences without a last token, so a batch already handed out behind it that wants to go on
from there fails too instead of going astray.
"""

from typing import Literal

import msgspec


class Sampling(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How one token is drawn. Order: logit mask, temperature, softmax, top-k, top-p, min-p. Temperature 0 is argmax.

    The draw for (seed, position of the new token) is a fixed function of the distribution: equal seeds reproduce, whatever else
    is in the batch.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0


class Sample(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="s"):
    """Draw one token from the distribution after input `index`."""

    index: int
    sampling: Sampling


class Distribution(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="d"):
    """The `top_k` most likely tokens, descending (0: whole vocabulary), at this temperature (0: as 1), under the logit mask."""

    index: int
    temperature: float
    top_k: int


class Logits(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="l"):
    index: int


class Logprobs(msgspec.Struct, array_like=True, frozen=True, tag="p"):
    """Log-probabilities of `tokens` at temperature 1, without mask or truncation."""

    index: int
    tokens: tuple[int, ...]


class Entropy(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="e"):
    """Entropy in nats at temperature 1, without mask or truncation."""

    index: int


Slot = Sample | Distribution | Logits | Logprobs | Entropy


class Request(msgspec.Struct, array_like=True, frozen=True):
    """Work on one sequence in one batch."""

    sequence: int
    """Chosen by the engine; names the driver's memory of the last token."""
    tokens: bytes
    """int32[n]; empty: one input, the token last drawn for `sequence` in an earlier batch (or earlier in the pipeline)."""
    positions: bytes
    """int32[n]; empty: `cached`, `cached` + 1, …"""
    cached: int
    """Tokens of the sequence whose KV is in `pages` before this request."""
    pages: bytes
    """int32[m]; physical pages in order, enough for `cached` + inputs + `steps` - 1 tokens."""
    slots: tuple[Slot, ...] = ()
    """What to read off. With `steps` > 1: exactly one `Sample`, of the last input."""
    steps: int = 1
    """Draw up to this many tokens, each fed back as the next input (a burst). The last token drawn is not fed back."""
    stop_tokens: tuple[int, ...] = ()
    """A drawn stop token ends the burst; it is the last of the tokens returned, and marks the sequence as stopped. Of several
    samples only the last counts, as it is the one the sequence goes on from. New inputs start a stopped sequence again."""
    logit_mask: bytes = b""
    """uint8[ceil(vocabulary/8)], bit i of byte j (little end first) allows token 8j + i; empty: all allowed."""
    attention_mask: bytes = b""
    """uint8[n, cached + n], 1 = attended; empty: causal. Rows are within the sequence's own tokens, in cache order.

    Only with one step. A row says all there is: it may let an input see later inputs, and a model's own sliding window is not
    applied on top. A row that attends to nothing attends to its own input.
    """
    top_logprobs: int | None = None
    """Tell the log-probability of each token drawn, and of so many likeliest tokens beside it. None: nothing."""


class PageCopy(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Copy the KV of a physical page; done before the batch's requests. Copy-on-write of a fork's last page."""

    source: int
    target: int


class Batch(msgspec.Struct, array_like=True, frozen=True, tag="batch"):
    id: int
    requests: tuple[Request, ...]
    copies: tuple[PageCopy, ...] = ()
    forget: tuple[int, ...] = ()
    """Sequences that will not be named again: the driver drops its memory of them after this batch."""


class DistributionReading(msgspec.Struct, array_like=True, frozen=True, tag="d"):
    tokens: bytes
    """int32[k]"""
    probabilities: bytes
    """float32[k], descending"""


class LogitsReading(msgspec.Struct, array_like=True, frozen=True, tag="l"):
    logits: bytes
    """float32[vocabulary]"""


class LogprobsReading(msgspec.Struct, array_like=True, frozen=True, tag="p"):
    logprobs: bytes
    """float32[tokens asked for]"""


class EntropyReading(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="e"):
    entropy: float


Reading = DistributionReading | LogitsReading | LogprobsReading | EntropyReading


class Output(msgspec.Struct, array_like=True, frozen=True):
    tokens: bytes = b""
    """int32: one token per `Sample` slot in slot order, or the tokens of a burst."""
    readings: tuple[Reading, ...] = ()
    """The other slots, in slot order."""
    stopped: bool = False
    logprobs: bytes = b""
    """float32[tokens, 1 + `top_logprobs`]: of the token drawn, then of the likeliest, descending, lower ids first among equals.
    At temperature 1, without truncation, under the logit mask: a token that it forbids has minus infinity."""
    top_tokens: bytes = b""
    """int32[tokens, `top_logprobs`]: the likeliest. Of equals at the end of the list any may be named."""


class BatchResult(msgspec.Struct, array_like=True, frozen=True, tag="result"):
    id: int
    outputs: tuple[Output, ...]
    """One per request, in order."""
    elapsed_s: float


class BatchFailed(msgspec.Struct, array_like=True, frozen=True, tag="failed"):
    """The batch could not be computed; the KV written by it is void, everything else stands."""

    id: int
    message: str


class WorkerConfig(msgspec.Struct, frozen=True):
    """What a worker is started with."""

    path: str
    """Folder with config.json, *.safetensors."""
    device: str = "cpu"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 on CUDA and for large models on CPU; what measures fastest for the model's size."""
    page_size: int = 16
    kv_cache_bytes: int = 1 << 30
    pages_max: int = 0
    """Upper bound on the number of pages; 0: as many as `kv_cache_bytes` holds."""
    lane_cache_bytes: int = 1 << 30
    """At most this much more for contiguous copies of the sequences that are being decoded (see `pie_worker.kv.lanes`)."""
    batch_tokens_max: int = 2048
    batch_requests_max: int = 256
    steps_max: int = 32
    threads: int = 0
    """0: what measures fastest for the model's size, at most the machine's cores."""


class WorkerStart(msgspec.Struct, frozen=True):
    """The one line of JSON on a worker's stdin. Stdin then stays open for as long as the engine lives."""

    address: str
    """ZeroMQ endpoint to connect a PAIR socket to."""
    config: WorkerConfig


class DriverLimits(msgspec.Struct, array_like=True, frozen=True, tag="limits"):
    """What a driver can do; reported once it is ready. Counts, per batch unless said otherwise."""

    architecture: str
    vocabulary_size: int
    context_max: int
    page_size: int
    pages_total: int
    batch_tokens_max: int
    batch_requests_max: int
    steps_max: int
    batches_in_flight_max: int = 2
    """How many batches may be handed out before the first comes back."""


class Ready(msgspec.Struct, array_like=True, frozen=True, tag="ready"):
    limits: DriverLimits


class StartFailed(msgspec.Struct, array_like=True, frozen=True, tag="start-failed"):
    message: str
    code: Literal["model", "driver-failed"] = "model"
    """Whether the model folder is at fault or what the worker runs on: `code` of the error that `start` raises."""


class Shutdown(msgspec.Struct, array_like=True, frozen=True, tag="shutdown"):
    pass


ToWorker = Batch | Shutdown
FromWorker = Ready | StartFailed | BatchResult | BatchFailed
