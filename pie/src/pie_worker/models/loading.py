"""Builds a decoder from a model folder."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from pie.errors import ModelError
from pie_worker.checkpoint import Checkpoint
from pie_worker.models.architecture import Architecture
from pie_worker.models.decoder import Decoder, Layer, norm_weight
from pie_worker.models.families import read_architecture
from pie_worker.models.fields import read_fields
from pie_worker.models.linear import Linear, make_linear


def read_folder(folder: Path) -> Architecture:
    """What kind of model it is. Raises `ModelError`."""
    if not folder.is_dir():
        raise ModelError(f"model folder {folder} does not exist")
    return read_architecture(read_fields(folder / "config.json"))


def load_decoder(folder: Path, architecture: Architecture, device: torch.device, dtype: torch.dtype) -> Decoder:
    """Raises `ModelError` if weights are missing or do not fit the architecture."""
    return _Loader(Checkpoint(folder), architecture, device, dtype).decoder()


class _Loader:
    """Reads tensors by their names in Hugging Face checkpoints; fuses what is multiplied with the same input."""

    def __init__(self, checkpoint: Checkpoint, architecture: Architecture, device: torch.device, dtype: torch.dtype) -> None:
        self._checkpoint = checkpoint
        self._architecture = architecture
        self._device = device
        self._dtype = dtype

    def decoder(self) -> Decoder:
        architecture = self._architecture
        matrix_shape = (architecture.vocabulary_size, architecture.hidden_size)
        embedding = self._tensor("model.embed_tokens.weight", *matrix_shape)
        head = embedding if architecture.tied_embeddings else self._tensor("lm_head.weight", *matrix_shape)
        layers = [self._layer(f"model.layers.{index}") for index in range(architecture.layers_count)]
        return Decoder(architecture, embedding, layers, self._norm("model.norm"), make_linear(head))

    def _layer(self, name: str) -> Layer:
        architecture = self._architecture
        hidden, inner = architecture.hidden_size, architecture.intermediate_size
        query, kv = architecture.query_size, architecture.kv_size
        projections = {"q_proj": query, "k_proj": kv, "v_proj": kv}
        mlp_bias = architecture.mlp_bias
        return Layer(
            input_norm=self._norm(f"{name}.input_layernorm"),
            qkv=self._linear(f"{name}.self_attn", projections, hidden, architecture.qkv_bias),
            head_norm=self._head_norm(f"{name}.self_attn") if architecture.head_norms else None,
            output=self._linear(f"{name}.self_attn", {"o_proj": hidden}, query, architecture.output_bias),
            mlp_norm=self._norm(f"{name}.post_attention_layernorm"),
            gate_up=self._linear(f"{name}.mlp", {"gate_proj": inner, "up_proj": inner}, hidden, mlp_bias),
            down=self._linear(f"{name}.mlp", {"down_proj": hidden}, inner, mlp_bias),
        )

    def _linear(self, name: str, parts: dict[str, int], in_size: int, has_bias: bool) -> Linear:
        weights = [self._tensor(f"{name}.{part}.weight", out_size, in_size) for part, out_size in parts.items()]
        biases = [self._tensor(f"{name}.{part}.bias", out_size) for part, out_size in parts.items()] if has_bias else []
        return make_linear(_joined(weights), _joined(biases) if biases else None)

    def _norm(self, name: str) -> Tensor:
        return norm_weight(self._stored(f"{name}.weight", self._architecture.hidden_size))

    def _head_norm(self, name: str) -> Tensor:
        architecture = self._architecture
        query = self._stored(f"{name}.q_norm.weight", architecture.head_dim)
        key = self._stored(f"{name}.k_norm.weight", architecture.head_dim)
        return norm_weight(torch.cat((query.expand(architecture.query_heads, -1), key.expand(architecture.kv_heads, -1))))

    def _tensor(self, name: str, *shape: int) -> Tensor:
        return self._stored(name, *shape).to(self._dtype)

    def _stored(self, name: str, *shape: int) -> Tensor:
        return self._checkpoint.tensor(name, shape).to(self._device)


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))
