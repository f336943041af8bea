"""Builds the worker's parts from its configuration."""

import os
from pathlib import Path

import torch

from pie.driver.messages import DriverLimits, WorkerConfig
from pie.errors import DriverError, ModelError
from pie_worker.crew import Crew
from pie_worker.kv.lanes import Lanes
from pie_worker.kv.paged import PagedCache, bytes_per_token
from pie_worker.models.architecture import Architecture
from pie_worker.models.linear import multiplies_bfloat16
from pie_worker.models.loading import load_decoder, read_folder
from pie_worker.runner import Runner

_ONE_THREAD_PARAMETERS_MAX = 24_000_000
"""Below, a step on a CPU is a chain of operations too small to share, and the other cores are better left to the engine."""


def assemble(config: WorkerConfig) -> tuple[Runner, DriverLimits]:
    """Raises `ModelError` if the model cannot be loaded, `DriverError` if the machine cannot run it as asked."""
    architecture = read_folder(Path(config.path))
    device = _device(config.device)
    dtype = _dtype(config, device)
    threads = _threads(config, architecture) if device.type == "cpu" else 1
    if device.type == "cpu":
        torch.set_num_threads(threads)
    decoder = load_decoder(Path(config.path), architecture, device, dtype)
    pages_total = _pages_total(config, architecture, dtype)
    cache = PagedCache(architecture, pages_total, config.page_size, device, dtype)
    lanes = Lanes(cache, architecture.windows, lanes_max=config.batch_requests_max, bytes_max=config.lane_cache_bytes)
    limits = DriverLimits(
        architecture=architecture.name,
        vocabulary_size=architecture.vocabulary_size,
        context_max=architecture.context_max,
        page_size=config.page_size,
        pages_total=pages_total,
        batch_tokens_max=config.batch_tokens_max,
        batch_requests_max=config.batch_requests_max,
        steps_max=config.steps_max,
    )
    return Runner(decoder, cache, lanes, limits, Crew(threads)), limits


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DriverError(f"device {name!r} cannot be used: {error}") from error
    return device


def _dtype(config: WorkerConfig, device: torch.device) -> torch.dtype:
    """bfloat16 wherever the hardware multiplies it: on a CPU with AMX a batch of 32 takes 40 % less time than in float32, a prompt
    a fifth. float16 is not offered: on a CPU it is some 200 times slower."""
    if config.dtype != "auto":
        return torch.float32 if config.dtype == "float32" else torch.bfloat16
    return torch.bfloat16 if device.type != "cpu" or multiplies_bfloat16() else torch.float32


def _threads(config: WorkerConfig, architecture: Architecture) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if config.threads:
        return min(config.threads, cores)
    return 1 if architecture.parameters_count <= _ONE_THREAD_PARAMETERS_MAX else cores


def _pages_total(config: WorkerConfig, architecture: Architecture, dtype: torch.dtype) -> int:
    page_bytes = config.page_size * bytes_per_token(architecture, dtype)
    pages_total = config.kv_cache_bytes // page_bytes
    if config.pages_max:
        pages_total = min(pages_total, config.pages_max)
    if pages_total < 1:
        raise ModelError(f"a KV cache of {config.kv_cache_bytes} bytes does not hold one page of this model ({page_bytes} bytes)")
    return pages_total
