"""What every driver does, run against each of them."""

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from batches import batch, int32s, logits_of, request, tokens_of
from pie.driver.dummy import DEFAULT_LIMITS, DummyDriver
from pie.driver.messages import (
    Batch,
    Distribution,
    DistributionReading,
    DriverLimits,
    Entropy,
    EntropyReading,
    Logits,
    LogitsReading,
    Logprobs,
    LogprobsReading,
    Output,
    PageCopy,
    Request,
    Sample,
    Sampling,
    WorkerConfig,
)
from pie.driver.port import Driver
from pie.driver.torch import TorchDriver
from pie.errors import DriverError
from random_models import write_random_model

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMPT = [5, 17, 3, 99, 42]
DRAWN = Sampling(temperature=1.0, seed=7)


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["dummy", "torch"])
async def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driver]:
    one = DummyDriver() if request.param == "dummy" else TorchDriver(worker_config(tmp_path_factory.mktemp("model")))
    await one.start()
    yield one
    await one.close()


def worker_config(folder: Path) -> WorkerConfig:
    write_random_model(folder, "qwen3")
    return WorkerConfig(str(folder), dtype="float32", threads=1, page_size=16, kv_cache_bytes=1 << 24)


def limits_of(driver: Driver) -> DriverLimits:
    return DEFAULT_LIMITS if isinstance(driver, DummyDriver) else driver.limits  # type: ignore[attr-defined, no-any-return]


class Sequences:
    """Numbers that no earlier test used: the driver lives as long as the module."""

    count = 100


@pytest.fixture
def new() -> int:
    Sequences.count += 10
    return Sequences.count


async def only(driver: Driver, one: Request, **others: object) -> Output:
    return (await driver.forward(batch(one, **others))).outputs[0]


def on(sequence: int, tokens: list[int] | tuple[int, ...] = (), **others: object) -> Request:
    """Every test has the same pages: what an earlier one left in them must not matter."""
    return request(sequence, tokens, **{"pages": [8 * (sequence % 10) + page for page in range(8)], **others})  # type: ignore[arg-type]


async def generate(driver: Driver, sequence: int, count: int, sampling: Sampling | None = None, **others: object) -> list[int]:
    """Token by token, each handed in by hand."""
    tokens = tokens_of(await only(driver, on(sequence, PROMPT, sampling=sampling, **others)))
    while len(tokens) < count:
        cached = len(PROMPT) + len(tokens) - 1
        tokens += tokens_of(await only(driver, on(sequence, tokens[-1:], cached=cached, sampling=sampling, **others)))
    return tokens


async def test_the_first_generation_is_1(driver: Driver) -> None:
    assert driver.generation == 1


async def test_an_empty_batch_gives_an_empty_result(driver: Driver) -> None:
    result = await driver.forward(Batch(77, ()))
    assert (result.id, result.outputs) == (77, ())


async def test_a_prompt_gives_a_token_of_the_vocabulary(driver: Driver, new: int) -> None:
    output = await only(driver, on(new, PROMPT))
    assert 0 <= tokens_of(output)[0] < limits_of(driver).vocabulary_size
    assert not output.stopped


@pytest.mark.parametrize("sampling", [Sampling(), DRAWN], ids=["greedy", "drawn"])
async def test_a_burst_gives_what_single_steps_give(driver: Driver, new: int, sampling: Sampling) -> None:
    expected = await generate(driver, new, 7, sampling)
    assert tokens_of(await only(driver, on(new + 1, PROMPT, sampling=sampling, steps=7))) == expected


async def test_a_request_without_tokens_goes_on_from_the_last_draw(driver: Driver, new: int) -> None:
    expected = await generate(driver, new, 6, DRAWN)
    first = await only(driver, on(new + 1, PROMPT, sampling=DRAWN, steps=2))
    second = await only(driver, on(new + 1, cached=len(PROMPT) + 1, sampling=DRAWN, steps=4))
    assert tokens_of(first) + tokens_of(second) == expected


async def test_a_batch_may_go_on_from_one_that_has_not_come_back(driver: Driver, new: int) -> None:
    expected = await generate(driver, new, 6)
    first = driver.forward(batch(on(new + 1, PROMPT, steps=3)))
    second = driver.forward(batch(on(new + 1, cached=len(PROMPT) + 2, steps=3), number=2))
    results = await asyncio.gather(first, second)
    assert [result.id for result in results] == [1, 2]
    assert [token for result in results for token in tokens_of(result.outputs[0])] == expected


async def test_a_stop_token_ends_a_burst_and_the_sequence(driver: Driver, new: int) -> None:
    expected = await generate(driver, new, 6, DRAWN)
    stop = expected[3]
    output = await only(driver, on(new + 1, PROMPT, sampling=DRAWN, steps=6, stop_tokens=(stop,)))
    assert tokens_of(output) == expected[: expected.index(stop) + 1]
    assert output.stopped


async def test_a_stopped_sequence_is_skipped(driver: Driver, new: int) -> None:
    stop = (await generate(driver, new, 1))[0]
    stopped = driver.forward(batch(on(new + 1, PROMPT, steps=4, stop_tokens=(stop,)), on(new + 2, PROMPT, steps=4)))
    following = driver.forward(batch(on(new + 1, cached=8, steps=4), on(new + 2, cached=8, steps=4), number=2))
    await stopped
    skipped, other = (await following).outputs
    assert (skipped.tokens, skipped.stopped) == (b"", True)
    assert len(tokens_of(other)) == 4


async def test_new_inputs_start_a_stopped_sequence_again(driver: Driver, new: int) -> None:
    stop = (await generate(driver, new, 1))[0]
    await only(driver, on(new, PROMPT, stop_tokens=(stop,)))
    output = await only(driver, on(new, [stop, 1], cached=5))
    assert len(tokens_of(output)) == 1
    assert not output.stopped


async def test_rows_that_stop_do_not_disturb_the_others(driver: Driver, new: int) -> None:
    """Most of a batch stops early; the rest draws what it draws alone."""
    tokens = await generate(driver, new, 12, DRAWN)
    rows = [on(new + 1, PROMPT, sampling=DRAWN, steps=12)]
    rows += [on(new + row, PROMPT, sampling=DRAWN, steps=12, stop_tokens=(tokens[row],)) for row in (2, 3, 4, 5)]
    outputs = (await driver.forward(batch(*rows))).outputs
    assert tokens_of(outputs[0]) == tokens
    for row, output in zip((2, 3, 4, 5), outputs[1:], strict=True):
        assert tokens_of(output) == tokens[: tokens.index(tokens[row]) + 1]


async def test_a_logit_mask_holds_in_every_step(driver: Driver, new: int) -> None:
    size = limits_of(driver).vocabulary_size
    allowed = np.zeros(size, dtype=np.uint8)
    allowed[[3, 64, size - 1]] = 1
    mask = np.packbits(allowed, bitorder="little").tobytes()
    output = await only(driver, on(new, PROMPT, sampling=DRAWN, steps=9, logit_mask=mask))
    assert set(tokens_of(output)) <= {3, 64, size - 1}


async def test_equal_seeds_draw_alike_whatever_else_is_in_the_batch(driver: Driver, new: int) -> None:
    alone = tokens_of(await only(driver, on(new, PROMPT, sampling=DRAWN, steps=8)))
    others = [on(new + 1, [9] * 7, steps=3), on(new + 2, PROMPT, sampling=Sampling(0.5, 3, 0.9, 0.01, 1), steps=5)]
    outputs = (await driver.forward(batch(*others, on(new, PROMPT, sampling=DRAWN, steps=8)))).outputs
    assert tokens_of(outputs[-1]) == alone


async def test_other_seeds_draw_otherwise(driver: Driver, new: int) -> None:
    draws = [await only(driver, on(new, PROMPT, sampling=Sampling(1.0, seed=seed), steps=8)) for seed in range(4)]
    assert len({output.tokens for output in draws}) > 1


async def test_temperature_0_and_top_k_1_are_the_most_likely_token(driver: Driver, new: int) -> None:
    slots = (Sample(4, Sampling()), Sample(4, Sampling(0.8, top_k=1, seed=3)), Distribution(4, 0.0, 1))
    output = await only(driver, on(new, PROMPT, slots=slots))
    [distribution] = output.readings
    assert isinstance(distribution, DistributionReading)
    likeliest = int(np.frombuffer(distribution.tokens, dtype="<i4")[0])
    assert tokens_of(output) == [likeliest, likeliest]


async def test_a_distribution_is_descending_and_whole(driver: Driver, new: int) -> None:
    size = limits_of(driver).vocabulary_size
    output = await only(driver, on(new, PROMPT, slots=(Distribution(2, 0.7, 0), Distribution(2, 0.7, 5))))
    whole, top = (one for one in output.readings if isinstance(one, DistributionReading))
    probabilities = np.frombuffer(whole.probabilities, dtype="<f4")
    assert sorted(np.frombuffer(whole.tokens, dtype="<i4").tolist()) == list(range(size))
    assert math.isclose(probabilities.sum(), 1.0, abs_tol=1e-4)
    assert (np.diff(probabilities) <= 0).all()
    assert (top.tokens, top.probabilities) == (whole.tokens[:20], whole.probabilities[:20])


async def test_logprobs_and_entropy_agree_with_logits(driver: Driver, new: int) -> None:
    output = await only(driver, on(new, PROMPT, slots=(Logits(1), Logprobs(1, (0, 17, 3)), Entropy(1))))
    logits, logprobs, entropy = logits_of(output)[0].astype(np.float64), output.readings[1], output.readings[2]
    expected = logits - np.log(np.exp(logits).sum())
    assert isinstance(logprobs, LogprobsReading)
    assert isinstance(entropy, EntropyReading)
    np.testing.assert_allclose(np.frombuffer(logprobs.logprobs, dtype="<f4"), expected[[0, 17, 3]], atol=1e-4)
    assert math.isclose(entropy.entropy, -(np.exp(expected) * expected).sum(), abs_tol=1e-3)


@pytest.mark.parametrize("steps", [1, 6], ids=["a step", "a burst"])
async def test_logprobs_come_with_what_is_drawn(driver: Driver, new: int, steps: int) -> None:
    """Those that a reading off the same place gives, under the logit mask."""
    tokens = tokens_of(await only(driver, on(new, PROMPT, sampling=DRAWN, steps=steps)))
    output = await only(driver, on(new + 1, PROMPT, sampling=DRAWN, steps=steps, top_logprobs=3))
    assert tokens_of(output) == tokens
    drawn = np.frombuffer(output.logprobs, dtype="<f4").reshape(steps, 4)
    likeliest = np.frombuffer(output.top_tokens, dtype="<i4").reshape(steps, 3)
    sequence = PROMPT + tokens[:-1]
    slots = tuple(slot for index in range(len(PROMPT) - 1, len(sequence)) for slot in (Logits(index), Distribution(index, 1.0, 3)))
    readings = (await only(driver, on(new + 2, sequence, slots=slots))).readings
    for step, token in enumerate(tokens):
        logits, distribution = readings[2 * step : 2 * step + 2]
        assert isinstance(logits, LogitsReading) and isinstance(distribution, DistributionReading)
        exact = np.frombuffer(logits.logits, dtype="<f4").astype(np.float64)
        expected = exact - np.log(np.exp(exact).sum())
        np.testing.assert_allclose(drawn[step], expected[[token, *likeliest[step]]], atol=1e-4)
        assert likeliest[step].tolist() == np.frombuffer(distribution.tokens, dtype="<i4").tolist()


async def test_a_stop_token_s_logprobs_are_the_last(driver: Driver, new: int) -> None:
    tokens = await generate(driver, new, 6, DRAWN)
    count = tokens.index(tokens[3]) + 1
    output = await only(driver, on(new + 1, PROMPT, sampling=DRAWN, steps=6, stop_tokens=(tokens[3],), top_logprobs=0))
    assert (len(output.logprobs), output.top_tokens) == (4 * count, b"")


async def test_what_a_logit_mask_forbids_has_no_part_in_logprobs(driver: Driver, new: int) -> None:
    mask = np.packbits(np.arange(limits_of(driver).vocabulary_size) < 2, bitorder="little").tobytes()
    output = await only(driver, on(new, PROMPT, logit_mask=mask, top_logprobs=3))
    known = np.frombuffer(output.logprobs, dtype="<f4")
    assert math.isclose(np.exp(known[1:3]).sum(), 1.0, abs_tol=1e-4)
    assert known[3] == -np.inf


async def test_every_sample_of_a_step_has_its_logprobs(driver: Driver, new: int) -> None:
    singles = [
        (await only(driver, on(new, PROMPT, slots=(Sample(index, Sampling()),), top_logprobs=2))).logprobs for index in (3, 0)
    ]
    output = await only(driver, on(new, PROMPT, slots=(Sample(3, Sampling()), Sample(0, Sampling())), top_logprobs=2))
    np.testing.assert_allclose(
        np.frombuffer(output.logprobs, dtype="<f4"), np.frombuffer(b"".join(singles), dtype="<f4"), atol=1e-5
    )


async def test_a_chunk_without_slots_gives_nothing_and_leaves_its_kv(driver: Driver, new: int) -> None:
    expected = await only(driver, on(new, PROMPT))
    nothing = await only(driver, on(new + 1, PROMPT[:3], slots=()))
    assert nothing == Output()
    assert await only(driver, on(new + 1, PROMPT[3:], cached=3)) == expected


async def test_several_samples_come_in_slot_order(driver: Driver, new: int) -> None:
    singles = [tokens_of(await only(driver, on(new, PROMPT, slots=(Sample(index, Sampling()),))))[0] for index in (3, 0, 4)]
    output = await only(driver, on(new, PROMPT, slots=tuple(Sample(index, Sampling()) for index in (3, 0, 4))))
    assert tokens_of(output) == singles


async def test_a_fork_goes_on_like_its_origin(driver: Driver, new: int) -> None:
    """The last page of the origin is copied, the one before is shared."""
    prompt = [token % 100 for token in range(20)]
    first = tokens_of(await only(driver, on(new, prompt, pages=[90, 91, 92])))
    fork = request(new + 1, first, cached=20, pages=[90, 95, 96], steps=5)
    origin = request(new, first, cached=20, pages=[90, 91, 92], steps=5)
    outputs = (await driver.forward(batch(fork, origin, copies=(PageCopy(91, 95),)))).outputs
    assert outputs[0] == outputs[1]


INVALID = {
    "token out of range": lambda one: on(one, [1 << 20]),
    "page out of range": lambda one: on(one, PROMPT, pages=[1 << 30]),
    "negative page": lambda one: on(one, PROMPT, pages=[-1]),
    "too few pages": lambda one: on(one, PROMPT, pages=[]),
    "no room for the burst": lambda one: on(one, PROMPT, pages=[1], steps=20),
    "too many steps": lambda one: on(one, PROMPT, steps=1000),
    "no steps": lambda one: on(one, PROMPT, steps=0),
    "slot out of range": lambda one: on(one, PROMPT, slots=(Logits(5),)),
    "burst without a sample": lambda one: on(one, PROMPT, slots=(Logits(4),), steps=2),
    "burst from the middle": lambda one: on(one, PROMPT, slots=(Sample(1, Sampling()),), steps=2),
    "mask too short": lambda one: on(one, PROMPT, logit_mask=b"\x01"),
    "attention mask too short": lambda one: on(one, PROMPT, attention_mask=b"\x01"),
    "negative temperature": lambda one: on(one, PROMPT, sampling=Sampling(-1.0)),
    "temperature not a number": lambda one: on(one, PROMPT, sampling=Sampling(math.nan)),
    "top-p above 1": lambda one: on(one, PROMPT, sampling=Sampling(1.0, top_p=1.5)),
    "half a token": lambda one: Request(one, b"\x01\x00", b"", 0, int32s([1])),
    "negative cached": lambda one: on(one, PROMPT, cached=-1),
    "too many logprobs": lambda one: on(one, PROMPT, top_logprobs=1 << 20),
    "less than no logprobs": lambda one: on(one, PROMPT, top_logprobs=-1),
    "unknown sequence": lambda one: on(one, cached=5),
}


@pytest.mark.parametrize("invalid", INVALID.values(), ids=INVALID.keys())
async def test_an_invalid_batch_fails_alone(driver: Driver, new: int, invalid) -> None:
    with pytest.raises(DriverError):
        await driver.forward(batch(invalid(new)))
    assert len(tokens_of(await only(driver, on(new + 1, PROMPT)))) == 1
    assert driver.generation == 1


async def test_a_batch_names_a_sequence_once(driver: Driver, new: int) -> None:
    with pytest.raises(DriverError, match="twice"):
        await driver.forward(batch(on(new, PROMPT), on(new, PROMPT)))


async def test_nothing_goes_on_from_a_failed_batch(driver: Driver, new: int) -> None:
    await driver.forward(batch(on(new, PROMPT), on(new + 1, PROMPT)))
    with pytest.raises(DriverError):
        await driver.forward(batch(on(new, cached=5, steps=1000)))
    with pytest.raises(DriverError, match=str(new)):
        await driver.forward(batch(on(new, cached=5)))
    assert len(tokens_of(await only(driver, on(new + 1, cached=5)))) == 1


async def test_a_forgotten_sequence_is_unknown(driver: Driver, new: int) -> None:
    output = await only(driver, on(new, PROMPT), forget=(new,))
    assert len(tokens_of(output)) == 1
    with pytest.raises(DriverError, match="no last token"):
        await driver.forward(batch(on(new, cached=5)))


async def test_an_abandoned_call_does_not_shift_the_answers(driver: Driver, new: int) -> None:
    abandoned = asyncio.ensure_future(driver.forward(batch(on(new, PROMPT, steps=16), number=5)))
    await asyncio.sleep(0)
    abandoned.cancel()
    await asyncio.wait({abandoned})
    assert (await driver.forward(batch(on(new + 1, PROMPT), number=6))).id == 6


async def test_a_closed_driver_refuses_and_can_be_closed_again(tmp_path: Path) -> None:
    for one in (DummyDriver(), TorchDriver(worker_config(tmp_path))):
        await one.start()
        await one.close()
        await one.close()
        with pytest.raises(DriverError):
            await one.forward(Batch(1, ()))
