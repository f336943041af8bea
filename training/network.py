"""The network while it is trained: Qwen 3 (dense), lean, with the parameter names of the published checkpoints.

`transformers` has the same network; this one leaves out what training does not need and casts each weight once per step. That both
compute the same is a test of the exported model (`tests/e2e/test_pie_tiny.py`).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network. The defaults are pie-tiny's."""

    vocabulary_size: int = 4096
    hidden_size: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    feedforward_size: int = 768
    context_max: int = 2048
    rope_theta: float = 10_000.0
    norm_epsilon: float = 1e-6


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.head_dim = shape.head_dim
        self.q_proj = nn.Linear(shape.hidden_size, shape.heads * shape.head_dim, bias=False)
        self.k_proj = nn.Linear(shape.hidden_size, shape.kv_heads * shape.head_dim, bias=False)
        self.v_proj = nn.Linear(shape.hidden_size, shape.kv_heads * shape.head_dim, bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.head_dim, shape.hidden_size, bias=False)
        self.q_norm = nn.RMSNorm(shape.head_dim, shape.norm_epsilon)
        self.k_norm = nn.RMSNorm(shape.head_dim, shape.norm_epsilon)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        heads = (*x.shape[:2], -1, self.head_dim)
        query = rotate(self.q_norm(self.q_proj(x).view(heads)).transpose(1, 2), cosine, sine)
        key = rotate(self.k_norm(self.k_proj(x).view(heads)).transpose(1, 2), cosine, sine)
        value = self.v_proj(x).view(heads).transpose(1, 2)
        output: Tensor = self.o_proj(attend(query, key, value).transpose(1, 2).flatten(2))
        return output


class Feedforward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.feedforward_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.feedforward_size, bias=False)
        self.down_proj = nn.Linear(shape.feedforward_size, shape.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return output


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.hidden_size, shape.norm_epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden_size, shape.norm_epsilon)
        self.mlp = Feedforward(shape)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cosine, sine)
        output: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return output


class Qwen3(nn.Module):
    """Token ids [rows, tokens] in, hidden states [rows, tokens, hidden] out; the embedding is also the output head."""

    cosine: Tensor
    sine: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary_size, shape.hidden_size)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.hidden_size, shape.norm_epsilon)
        cosine, sine = rotation(shape)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        count = tokens.shape[1]
        x = self.embed_tokens(tokens)
        cosine, sine = self.cosine[:count].to(x.dtype), self.sine[:count].to(x.dtype)
        for layer in self.layers:
            x = layer(x, cosine, sine)
        output: Tensor = self.norm(x)
        return output

    def initialise(self, generator: torch.Generator) -> None:
        """Normal weights; those that write to the residual stream smaller, so that its size does not grow with depth."""
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue
            deviation = 0.02 if "embed" in name else 0.6 / math.sqrt(parameter.shape[1])
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                deviation /= math.sqrt(2 * self.shape.layers)
            nn.init.normal_(parameter, 0.0, deviation, generator=generator)


def rotation(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary embedding, [context_max, head_dim] each; the two halves are equal."""
    frequencies = shape.rope_theta ** (-torch.arange(0, shape.head_dim, 2, dtype=torch.float64) / shape.head_dim)
    angles = torch.outer(torch.arange(shape.context_max, dtype=torch.float64), frequencies).repeat(1, 2)
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    low, high = x.chunk(2, -1)
    return x * cosine + torch.cat((-high, low), -1) * sine


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention written out: on a CPU, in bf16 and for short rows, twice as fast as the fused kernel's backward pass.

    [rows, heads, tokens, head_dim]; a key head serves several query heads, which stand behind each other as more tokens.
    """
    rows, heads, count, head_dim = query.shape
    kv_heads = key.shape[1]
    query = query.reshape(rows * kv_heads, heads // kv_heads * count, head_dim) * head_dim**-0.5
    key, value = key.reshape(-1, count, head_dim), value.reshape(-1, count, head_dim)
    scores = (query @ key.transpose(1, 2)).view(-1, heads // kv_heads, count, count)
    future = torch.ones(count, count, dtype=torch.bool).triu(1)
    weights = scores.masked_fill(future, float("-inf")).softmax(-1)
    return (weights.view(rows * kv_heads, -1, count) @ value).view(rows, heads, count, head_dim)
