"""Logits equal those of transformers, in every way a sequence can be fed."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch

from batches import all_logits, batch, logits_of, request
from pie.driver.messages import DriverLimits, PageCopy, WorkerConfig
from pie_worker.assembly import assemble
from pie_worker.runner import Runner
from random_models import FAMILIES, edit_config, oracle_logits, write_random_model

TOKENS = [int(token) for token in np.random.default_rng(5).integers(0, 160, 29)]
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}

MakeRunner = Callable[..., tuple[Runner, DriverLimits]]


def feed(runner: Runner, parts: list[list[int]]) -> np.ndarray:
    """Logits of one sequence fed part by part."""
    rows, cached = [], 0
    for part in parts:
        result = runner.compute(batch(request(1, part, cached=cached, slots=all_logits(len(part)))))
        rows.append(logits_of(result.outputs[0]))
        cached += len(part)
    return np.concatenate(rows)


@pytest.mark.parametrize("family", FAMILIES)
def test_prefill_then_decode_equals_transformers(family: str, make_runner: MakeRunner, random_model: Callable) -> None:
    runner, _ = make_runner(family)
    ours = feed(runner, [TOKENS[:18], *([token] for token in TOKENS[18:])])
    np.testing.assert_allclose(ours, oracle_logits(random_model(family)[0], TOKENS), **TOLERANCE)


@pytest.mark.parametrize("family", ["qwen3", "mistral-window"])
def test_chunked_prefill_equals_transformers(family: str, make_runner: MakeRunner, random_model: Callable) -> None:
    runner, _ = make_runner(family)
    ours = feed(runner, [TOKENS[:1], TOKENS[1:6], TOKENS[6:19], TOKENS[19:]])
    np.testing.assert_allclose(ours, oracle_logits(random_model(family)[0], TOKENS), **TOLERANCE)


@pytest.mark.parametrize("family", ["qwen3", "mistral-window"])
def test_decoding_without_room_for_lanes_equals_transformers(family: str, make_runner: MakeRunner, random_model: Callable) -> None:
    runner, _ = make_runner(family, lane_cache_bytes=0)
    ours = feed(runner, [TOKENS[:18], *([token] for token in TOKENS[18:])])
    np.testing.assert_allclose(ours, oracle_logits(random_model(family)[0], TOKENS), **TOLERANCE)


@pytest.mark.parametrize("family", ["llama", "qwen2-window"])
def test_a_mixed_batch_equals_transformers(family: str, make_runner: MakeRunner, random_model: Callable) -> None:
    """Two sequences decode, one continues its prompt, one starts."""
    runner, _ = make_runner(family)
    runner.compute(batch(request(1, TOKENS[:9]), request(2, TOKENS[3:20]), request(3, TOKENS[:4])))
    mixed = batch(
        request(4, TOKENS[5:16], slots=all_logits(11)),
        request(2, TOKENS[20:21], cached=17, slots=all_logits(1)),
        request(3, TOKENS[4:11], cached=4, slots=all_logits(7)),
        request(1, TOKENS[9:10], cached=9, slots=all_logits(1)),
    )
    outputs = runner.compute(mixed).outputs
    model = random_model(family)[0]
    expected = [oracle_logits(model, TOKENS[5:16]), oracle_logits(model, TOKENS[3:21])[17:]]
    expected += [oracle_logits(model, TOKENS[:11])[4:], oracle_logits(model, TOKENS[:10])[9:]]
    for output, logits in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(logits_of(output), logits, **TOLERANCE)


def test_a_fork_with_a_copied_page_equals_transformers(make_runner: MakeRunner, random_model: Callable) -> None:
    runner, _ = make_runner()
    runner.compute(batch(request(1, TOKENS[:6], pages=[10, 11, 12])))
    runner.compute(batch(request(1, TOKENS[6:7], cached=6, pages=[10, 11, 12])))
    other = [*TOKENS[:7], 3, 4]
    fork = request(2, [3], cached=7, pages=[10, 20, 21], slots=all_logits(1))
    mine = request(1, TOKENS[7:8], cached=7, pages=[10, 11, 12], slots=all_logits(1))
    outputs = runner.compute(batch(fork, mine, copies=(PageCopy(11, 20),))).outputs
    outputs += runner.compute(batch(request(2, [4], cached=8, pages=[10, 20, 21], slots=all_logits(1)))).outputs
    model = random_model("qwen3")[0]
    np.testing.assert_allclose(logits_of(outputs[0]), oracle_logits(model, other)[7:8], **TOLERANCE)
    np.testing.assert_allclose(logits_of(outputs[1]), oracle_logits(model, TOKENS[:8])[7:], **TOLERANCE)
    np.testing.assert_allclose(logits_of(outputs[2]), oracle_logits(model, other)[8:], **TOLERANCE)


def test_explicit_positions_shift_the_rotation_only(make_runner: MakeRunner, random_model: Callable) -> None:
    """RoPE is relative: the same offset everywhere changes nothing."""
    runner, _ = make_runner()
    shifted = np.arange(100, 112, dtype="<i4").tobytes()
    plain = request(1, TOKENS[:12], slots=all_logits(12))
    outputs = runner.compute(batch(plain)).outputs
    moved = runner.compute(batch(type(plain)(2, plain.tokens, shifted, 0, plain.pages, plain.slots))).outputs
    np.testing.assert_allclose(logits_of(outputs[0]), logits_of(moved[0]), **TOLERANCE)


@pytest.mark.parametrize("family", ["qwen3", "mistral-window"])
def test_an_attention_mask_equals_transformers(family: str, make_runner: MakeRunner, random_model: Callable) -> None:
    """Within a chunk and on cached tokens; the model's own window is not applied on top."""
    runner, _ = make_runner(family)
    attention = torch.tril(torch.rand(20, 20, generator=torch.Generator().manual_seed(1)) > 0.4) | torch.eye(20, dtype=torch.bool)
    rows = attention.numpy().astype(np.uint8)
    first = request(1, TOKENS[:12], slots=all_logits(12), attention_mask=np.ascontiguousarray(rows[:12, :12]).tobytes())
    second = request(1, TOKENS[12:20], cached=12, slots=all_logits(8), attention_mask=rows[12:].tobytes())
    ours = np.concatenate([logits_of(runner.compute(batch(one)).outputs[0]) for one in (first, second)])
    np.testing.assert_allclose(ours, oracle_logits(random_model(family)[0], TOKENS[:20], attention), **TOLERANCE)


def test_bfloat16_is_close_to_transformers_in_bfloat16(make_runner: MakeRunner, random_model: Callable) -> None:
    runner, _ = make_runner(dtype="bfloat16")
    ours = feed(runner, [TOKENS[:18], *([token] for token in TOKENS[18:])])
    exact = oracle_logits(random_model("qwen3")[0], TOKENS).numpy()
    theirs = oracle_logits(copy.deepcopy(random_model("qwen3")[0]).to(torch.bfloat16), TOKENS).numpy()
    assert np.abs(ours - exact).mean() < 1.5 * np.abs(theirs - exact).mean() + 1e-3


def test_sharded_weights_give_the_same_logits(tmp_path, make_runner: MakeRunner, random_model: Callable) -> None:
    write_random_model(tmp_path, "qwen3", shard_bytes=100_000)
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    runner, _ = assemble(WorkerConfig(str(tmp_path), dtype="float32", page_size=4, kv_cache_bytes=1 << 22, threads=1))
    np.testing.assert_allclose(feed(runner, [TOKENS]), oracle_logits(random_model("qwen3")[0], TOKENS), **TOLERANCE)


@pytest.mark.parametrize("family", ["rope-llama3", "rope-yarn", "rope-linear"])
def test_the_old_style_of_rope_keys_means_the_same(family: str, tmp_path, random_model: Callable) -> None:
    model = write_random_model(tmp_path, family)
    parameters = dict(FAMILIES[family][1]["rope_parameters"])
    theta = parameters.pop("rope_theta")
    edit_config(tmp_path, ("rope_parameters",), rope_theta=theta, rope_scaling={"type": parameters.pop("rope_type"), **parameters})
    runner, _ = assemble(WorkerConfig(str(tmp_path), dtype="float32", page_size=4, kv_cache_bytes=1 << 22, threads=1))
    np.testing.assert_allclose(feed(runner, [TOKENS]), oracle_logits(model, TOKENS), **TOLERANCE)
