"""A model folder with random weights: a very small Qwen3, whole or broken. Needs neither torch nor transformers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

import sample_tokenizers

CONFIG: Mapping[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "vocab_size": 640,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
}

WEIGHTS = "model.safetensors"


def write(folder: Path) -> Path:
    """Everything that a model's folder needs. The same weights each time."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_bytes(sample_tokenizers.byte_level())
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": sample_tokenizers.CHATML}))
    generator = np.random.default_rng(1)
    weights = {name: generator.standard_normal(shape, dtype=np.float32) * shape[-1] ** -0.5 for name, shape in _shapes()}
    save_file(weights, folder / WEIGHTS)
    return folder


def set_config(folder: Path, **values: object) -> None:
    """Changes keys of config.json; None removes one."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def set_tensor(folder: Path, name: str, shape: tuple[int, ...] | None) -> None:
    """Gives a tensor another shape; None removes it."""
    weights = load_file(folder / WEIGHTS)
    del weights[name]
    if shape is not None:
        weights[name] = np.zeros(shape, dtype=np.float32)
    save_file(weights, folder / WEIGHTS)


def _shapes() -> list[tuple[str, tuple[int, ...]]]:
    hidden, inner, head_dim = CONFIG["hidden_size"], CONFIG["intermediate_size"], CONFIG["head_dim"]
    query, kv = CONFIG["num_attention_heads"] * head_dim, CONFIG["num_key_value_heads"] * head_dim
    shapes = [("model.embed_tokens.weight", (CONFIG["vocab_size"], hidden)), ("model.norm.weight", (hidden,))]
    for index in range(CONFIG["num_hidden_layers"]):
        layer: dict[str, tuple[int, ...]] = {
            "input_layernorm": (hidden,),
            "post_attention_layernorm": (hidden,),
            "self_attn.q_proj": (query, hidden),
            "self_attn.k_proj": (kv, hidden),
            "self_attn.v_proj": (kv, hidden),
            "self_attn.o_proj": (hidden, query),
            "self_attn.q_norm": (head_dim,),
            "self_attn.k_norm": (head_dim,),
            "mlp.gate_proj": (inner, hidden),
            "mlp.up_proj": (inner, hidden),
            "mlp.down_proj": (hidden, inner),
        }
        shapes += [(f"model.layers.{index}.{name}.weight", shape) for name, shape in layer.items()]
    return shapes
