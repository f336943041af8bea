"""Small models with random weights, written as checkpoints by transformers: the oracle of the numerics tests."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers

SIZES: dict[str, Any] = {
    "vocab_size": 160,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "llama-biases": ("Llama", {"attention_bias": True, "mlp_bias": True}),
    "llama-one-kv-head": ("Llama", {"num_key_value_heads": 1, "head_dim": 24}),
    "llama-no-groups": ("Llama", {"num_key_value_heads": 4}),
    "llama-tied": ("Llama", {"tie_word_embeddings": True}),
    "mistral": ("Mistral", {"sliding_window": None}),
    "mistral-window": ("Mistral", {"sliding_window": 7}),
    "qwen2": ("Qwen2", {}),
    "qwen2-window": ("Qwen2", {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1}),
    "qwen3": ("Qwen3", {"head_dim": 16}),
    "qwen3-biases": ("Qwen3", {"head_dim": 16, "attention_bias": True}),
    "rope-linear": ("Llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}}),
    "rope-dynamic": ("Llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}}),
    "rope-llama3": (
        "Llama",
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 5e5,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
    ),
    "rope-yarn": (
        "Qwen2",
        {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 128}},
    ),
}


def write_random_model(folder: Path, family: str, shard_bytes: int | None = None, **overrides: Any) -> transformers.PreTrainedModel:
    """Writes a checkpoint in float32 and returns the model. `shard_bytes` splits the weights into files of about that size."""
    name, own = FAMILIES[family]
    torch.manual_seed(hash_of(family))
    config = getattr(transformers, f"{name}Config")(**{**SIZES, **own, **overrides})
    model: transformers.PreTrainedModel = getattr(transformers, f"{name}ForCausalLM")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Far from the small initial values, so that a bias or norm left out shows.
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.dim() == 1 else parameter.shape[-1] ** -0.5))
    model.save_pretrained(folder, max_shard_size=shard_bytes or "5GB")
    return model


def hash_of(text: str) -> int:
    return sum(text.encode())


def edit_config(folder: Path, remove: tuple[str, ...] = (), **values: Any) -> None:
    """Changes keys of a config.json."""
    path = folder / "config.json"
    config: Mapping[str, Any] = json.loads(path.read_text())
    path.write_text(json.dumps({**{key: value for key, value in config.items() if key not in remove}, **values}))


def oracle_logits(model: transformers.PreTrainedModel, tokens: list[int], attention: torch.Tensor | None = None) -> torch.Tensor:
    """[tokens, vocabulary] of one forward pass without a cache. `attention`: [tokens, tokens], true = attended."""
    arguments: dict[str, Any] = {}
    if attention is not None:
        floats = torch.zeros(attention.shape, dtype=model.dtype).masked_fill_(~attention, torch.finfo(model.dtype).min)
        arguments["attention_mask"] = floats[None, None]
    with torch.no_grad():
        return model(torch.tensor([tokens]), **arguments).logits[0].float()
