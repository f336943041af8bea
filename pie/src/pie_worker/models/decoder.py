"""The decoder that all architectures share.

    x = embedding[token]
    per layer:  x += output(attend(rotate(norm_heads(qkv(norm(x))))))
                x += down(silu(gate(norm(x))) * up(norm(x)))
    logits = head(norm(x))

Tokens of all requests of a batch are packed into one row dimension. What differs between requests (which keys a query sees, where
keys and values are kept) is behind `Attend`; the decoder knows neither sequences nor pages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from pie_worker.models.architecture import Architecture
from pie_worker.models.linear import Linear

Attend = Callable[[int, Tensor, Tensor], Tensor]
"""(layer, queries [rows, query heads, head dim], keys and values [rows, 2, kv heads, head dim]) to [rows, query heads * head dim].

Keeps the keys and values, and returns what each query reads. Query head h reads key head h // group size.
"""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The rotary embedding of a step's rows: of the first and the second half of each head, ready to multiply with."""

    cosines: Tensor
    """[rows, 1, head dim], both halves equal"""
    sines: Tensor
    """[rows, 1, head dim], the first half negated"""

    def step(self, index: int) -> "Rotation":
        """Of one step of a rotation made for [steps, rows] positions."""
        return Rotation(self.cosines[index], self.sines[index])


@dataclass(frozen=True, slots=True)
class Layer:
    input_norm: Tensor
    qkv: Linear
    """Rows of queries, keys, values."""
    head_norm: Tensor | None
    """[query heads + kv heads, head dim]"""
    output: Linear
    mlp_norm: Tensor
    gate_up: Linear
    """Rows of gate, up."""
    down: Linear


class Decoder:
    """Norm weights are in float32, and so is the running sum of the layers: it costs little, and a chain of small float32
    operations is faster on a CPU than the same in bfloat16. Matrix products and keys and values are in `dtype`."""

    def __init__(
        self, architecture: Architecture, embedding: Tensor, layers: list[Layer], final_norm: Tensor, head: Linear
    ) -> None:
        self.architecture = architecture
        self._embedding = embedding
        self._layers = layers
        self._final_norm = final_norm
        self._head = head
        self._frequencies = architecture.rope.frequencies(architecture.head_dim).to(embedding.device)
        self._norm_floor = self._floor(architecture.hidden_size)
        self._head_norm_floor = self._floor(architecture.head_dim)

    @property
    def device(self) -> torch.device:
        return self._embedding.device

    @property
    def dtype(self) -> torch.dtype:
        return self._embedding.dtype

    def rotation(self, positions: Tensor) -> Rotation:
        """For positions of any shape; the rotation's tensors have two more dimensions."""
        angles = positions.unsqueeze(-1).to(torch.float32) * self._frequencies
        factor = self.architecture.rope.attention_factor
        cosines, sines = angles.cos() * factor, angles.sin() * factor
        return Rotation(
            torch.cat((cosines, cosines), -1).unsqueeze(-2).to(self.dtype),
            torch.cat((-sines, sines), -1).unsqueeze(-2).to(self.dtype),
        )

    def hidden(self, tokens: Tensor, rotation: Rotation, attend: Attend) -> Tensor:
        """What the last layer says about each of `tokens` [rows]: float32[rows, hidden size]."""
        states = self._embedding.index_select(0, tokens).float()
        for index, layer in enumerate(self._layers):
            self._attention(index, layer, states, rotation, attend)
            self._mlp(layer, states)
        return states

    def logits(self, states: Tensor) -> Tensor:
        """[rows, vocabulary size], in the decoder's own type."""
        return self._head(self._norm(states, self._final_norm))

    def _attention(self, index: int, layer: Layer, states: Tensor, rotation: Rotation, attend: Attend) -> None:
        architecture = self.architecture
        rows, query_heads = states.shape[0], architecture.query_heads
        qkv = layer.qkv(self._norm(states, layer.input_norm)).view(rows, -1, architecture.head_dim)
        turned = qkv[:, : query_heads + architecture.kv_heads]
        straight = turned if layer.head_norm is None else self._norm_heads(turned, layer.head_norm)
        swapped = straight.roll(architecture.head_dim // 2, -1)
        torch.addcmul(straight * rotation.cosines, swapped, rotation.sines, out=turned)
        keys_values = qkv[:, query_heads:].view(rows, 2, architecture.kv_heads, architecture.head_dim)
        states.add_(layer.output(attend(index, qkv[:, :query_heads], keys_values)))

    def _mlp(self, layer: Layer, states: Tensor) -> None:
        gate, up = layer.gate_up(self._norm(states, layer.mlp_norm)).view(states.shape[0], 2, -1).unbind(1)
        states.add_(layer.down(F.silu(gate).mul_(up)))

    def _norm(self, states: Tensor, weight: Tensor) -> Tensor:
        """RMS norm of float32 rows, in `dtype`. `weight` carries the square root of the row size (see `norm_weight`).

        x / sqrt(mean(x^2) + epsilon) = x sqrt(size) / hypot(|x|, sqrt(size epsilon)): half the operations of torch's own norm.
        """
        lengths: Tensor = torch.linalg.vector_norm(states, 2, -1, True)
        return (states / torch.hypot(lengths, self._norm_floor, out=lengths)).mul_(weight).to(self.dtype)

    def _norm_heads(self, heads: Tensor, weight: Tensor) -> Tensor:
        """The same for the heads of [rows, heads, head dim]."""
        lengths: Tensor = torch.linalg.vector_norm(heads, 2, -1, True, dtype=torch.float32)
        return (heads / torch.hypot(lengths, self._head_norm_floor, out=lengths)).mul_(weight).to(self.dtype)

    def _floor(self, size: int) -> Tensor:
        return torch.tensor(sqrt(size * self.architecture.norm_epsilon), device=self._embedding.device)


def norm_weight(weight: Tensor) -> Tensor:
    """The weight of an RMS norm as the decoder uses it, from [..., size] as stored."""
    return weight.float() * sqrt(weight.shape[-1])
