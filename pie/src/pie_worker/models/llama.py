"""Llama 1 to 3.x, and the many models that share its architecture."""

from pie_worker.models.architecture import Architecture, no_windows, read_dense
from pie_worker.models.fields import Fields


def read(fields: Fields) -> Architecture:
    attention_bias = fields.flag("attention_bias", False)
    return read_dense(
        fields,
        "llama",
        windows=no_windows,
        qkv_bias=attention_bias,
        output_bias=attention_bias,
        mlp_bias=fields.flag("mlp_bias", False),
    )
