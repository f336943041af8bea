"""A worker's parts follow from its configuration."""

from collections.abc import Callable

import pytest
import torch

from pie.driver.messages import DriverLimits
from pie.errors import DriverError, ModelError
from pie_worker.models.linear import multiplies_bfloat16
from pie_worker.runner import Runner

MakeRunner = Callable[..., tuple[Runner, DriverLimits]]

BYTES_PER_TOKEN = 3 * 2 * 2 * 16 * 4
"""Layers x (keys and values) x kv heads x head dim x float32 of the test model."""


def test_limits_are_those_of_the_model_and_the_configuration(make_runner: MakeRunner) -> None:
    _, limits = make_runner(page_size=8, batch_tokens_max=99, batch_requests_max=7, steps_max=5)
    assert (limits.architecture, limits.vocabulary_size, limits.context_max) == ("qwen3", 160, 512)
    assert (limits.page_size, limits.batch_tokens_max, limits.batch_requests_max, limits.steps_max) == (8, 99, 7, 5)


def test_pages_fill_the_bytes_given(make_runner: MakeRunner) -> None:
    _, limits = make_runner(page_size=8, kv_cache_bytes=10 * 8 * BYTES_PER_TOKEN + 5)
    assert limits.pages_total == 10


def test_pages_are_bounded_by_their_number_too(make_runner: MakeRunner) -> None:
    _, limits = make_runner(page_size=8, kv_cache_bytes=1 << 24, pages_max=3)
    assert limits.pages_total == 3


def test_a_cache_without_room_for_a_page_is_refused(make_runner: MakeRunner) -> None:
    with pytest.raises(ModelError, match="does not hold one page"):
        make_runner(kv_cache_bytes=100)


def test_auto_is_bfloat16_where_the_cpu_multiplies_it(make_runner: MakeRunner) -> None:
    _, automatic = make_runner(dtype="auto")
    _, explicit = make_runner(dtype="bfloat16" if multiplies_bfloat16() else "float32")
    assert automatic.pages_total == explicit.pages_total


def test_a_small_model_leaves_the_other_cores_to_the_engine(make_runner: MakeRunner) -> None:
    make_runner(threads=0)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("device", ["cuda:9", "nonsense"])
def test_a_device_that_cannot_be_used_is_refused(device: str, make_runner: MakeRunner) -> None:
    with pytest.raises(DriverError, match=device):
        make_runner(device=device)
