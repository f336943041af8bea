"""Which driver a model's configuration asks for."""

import msgspec

from pie.config.config import ModelConfig
from pie.driver.dummy import DEFAULT_LIMITS, DummyDriver
from pie.driver.messages import WorkerConfig
from pie.driver.port import Driver
from pie.driver.torch import TorchDriver
from pie.model.model import LoadedModel


def make_driver(config: ModelConfig, model: LoadedModel) -> Driver:
    """A driver for the model, not started yet."""
    if config.driver.type == "dummy":
        limits = msgspec.structs.replace(DEFAULT_LIMITS, vocabulary_size=model.vocabulary_size, context_max=model.context_max)
        return DummyDriver(limits)
    options = config.driver.options
    return TorchDriver(
        WorkerConfig(
            path=str(model.folder),
            device=config.driver.device,
            dtype=config.driver.activation_dtype,
            page_size=options.kv_page_size,
            kv_cache_bytes=options.kv_cache_mb << 20,
            pages_max=options.total_pages,
            batch_tokens_max=options.max_forward_tokens,
            batch_requests_max=options.max_forward_requests,
            threads=options.threads,
        )
    )
