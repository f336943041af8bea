"""Mistral: Llama with a sliding window on every layer (if the model has one)."""

from pie_worker.models.architecture import Architecture, one_window, read_dense
from pie_worker.models.fields import Fields


def read(fields: Fields) -> Architecture:
    return read_dense(fields, "mistral", windows=one_window)
