"""Runners over small random models, each made once per test session."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from pie.driver.messages import DriverLimits, WorkerConfig
from pie_worker.assembly import assemble
from pie_worker.runner import Runner
from random_models import write_random_model

torch.set_num_threads(1)

Pair = tuple[PreTrainedModel, Path]


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    """A family's model and the folder it is stored in."""

    @cache
    def make(family: str) -> Pair:
        folder = tmp_path_factory.mktemp(family)
        return write_random_model(folder, family), folder

    return make


@pytest.fixture
def make_runner(random_model: Callable[[str], Pair]) -> Callable[..., tuple[Runner, DriverLimits]]:
    def make(family: str = "qwen3", **config: object) -> tuple[Runner, DriverLimits]:
        defaults = {"dtype": "float32", "threads": 1, "page_size": 4, "kv_cache_bytes": 1 << 22}
        return assemble(WorkerConfig(str(random_model(family)[1]), **{**defaults, **config}))  # type: ignore[arg-type]

    return make
