"""Attention through pages and lanes reads what attention by the book reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from batches import all_logits, batch, logits_of, request, tokens_of
from pie.driver.messages import DriverLimits
from pie_worker.kv.naive import NaiveAttend, NaiveSequence
from pie_worker.models.decoder import Decoder
from pie_worker.models.loading import load_decoder, read_folder
from pie_worker.runner import Runner

TOKENS = [int(token) for token in np.random.default_rng(3).integers(0, 160, 40)]
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}

MakeRunner = Callable[..., tuple[Runner, DriverLimits]]


class Book:
    """One sequence, fed to a decoder that attends by the book."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._sequence = NaiveSequence()
        self._length = 0

    def feed(self, tokens: list[int], masks: list[list[bool]] | None = None) -> np.ndarray:
        """Logits of all tokens."""
        attend = NaiveAttend(self._decoder.architecture.windows, [self._sequence] * len(tokens), masks)
        positions = torch.arange(self._length, self._length + len(tokens))
        self._length += len(tokens)
        with torch.inference_mode():
            states = self._decoder.hidden(torch.tensor(tokens), self._decoder.rotation(positions), attend)
            return self._decoder.logits(states).numpy()


@pytest.fixture
def open_book(random_model: Callable[[str], tuple[object, Path]]) -> Callable[[str], Book]:
    def open_one(family: str) -> Book:
        folder = random_model(family)[1]
        return Book(load_decoder(folder, read_folder(folder), torch.device("cpu"), torch.float32))

    return open_one


@pytest.mark.parametrize("family", ["qwen3", "mistral-window", "qwen2-window", "llama-one-kv-head"])
def test_chunks_and_single_tokens_read_by_the_book(family: str, make_runner: MakeRunner, open_book: Callable[[str], Book]) -> None:
    runner, _ = make_runner(family)
    book, cached = open_book(family), 0
    for count in (13, 1, 1, 7, 1, 1, 1, 1):
        tokens = TOKENS[cached : cached + count]
        output = runner.compute(batch(request(1, tokens, cached=cached, pages=range(12), slots=all_logits(count)))).outputs[0]
        np.testing.assert_allclose(logits_of(output), book.feed(tokens), **TOLERANCE)
        cached += count


@pytest.mark.parametrize("family", ["qwen3", "mistral-window"])
def test_a_long_burst_reads_by_the_book(family: str, make_runner: MakeRunner, open_book: Callable[[str], Book]) -> None:
    """Long enough for lanes to look further several times, and to change their capacity."""
    runner, _ = make_runner(family, kv_cache_bytes=1 << 24)
    prompt = (TOKENS * 7)[:250]
    output = runner.compute(batch(request(1, prompt, pages=range(80), steps=24))).outputs[0]
    burst = tokens_of(output)
    after = runner.compute(batch(request(1, burst[-1:], cached=273, pages=range(80), slots=all_logits(1)))).outputs[0]
    logits = open_book(family).feed([*prompt, *burst])
    assert logits[249:-1].argmax(-1).tolist() == burst
    np.testing.assert_allclose(logits_of(after)[0], logits[-1], **TOLERANCE)


def test_any_mask_is_read_by_the_book(make_runner: MakeRunner, open_book: Callable[[str], Book]) -> None:
    """Also one that looks ahead, and one that attends to nothing."""
    runner, _ = make_runner()
    mask = np.random.default_rng(8).random((9, 9)) < 0.4
    mask[4] = False
    one = request(1, TOKENS[:9], slots=all_logits(9), attention_mask=mask.astype(np.uint8).tobytes())
    expected = open_book("qwen3").feed(TOKENS[:9], mask.tolist())
    np.testing.assert_allclose(logits_of(runner.compute(batch(one)).outputs[0]), expected, **TOLERANCE)
