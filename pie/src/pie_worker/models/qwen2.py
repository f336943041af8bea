"""Qwen 2 and 2.5: Llama with a bias on queries, keys and values."""

from pie_worker.models.architecture import Architecture, read_dense, upper_windows
from pie_worker.models.fields import Fields


def read(fields: Fields) -> Architecture:
    return read_dense(fields, "qwen2", windows=upper_windows, qkv_bias=True)
