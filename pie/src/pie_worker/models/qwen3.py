"""Qwen 3 (dense): Llama with norms on the heads of queries and keys, and a head dimension of its own."""

from pie_worker.models.architecture import Architecture, read_dense, upper_windows
from pie_worker.models.fields import Fields

_HEAD_DIM = 128
"""What a config.json without `head_dim` means."""


def read(fields: Fields) -> Architecture:
    attention_bias = fields.flag("attention_bias", False)
    return read_dense(
        fields,
        "qwen3",
        windows=upper_windows,
        default_head_dim=_HEAD_DIM,
        qkv_bias=attention_bias,
        output_bias=attention_bias,
        head_norms=True,
    )
