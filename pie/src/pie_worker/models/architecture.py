"""What tells the models of the dense decoder family apart: read from config.json by one module per architecture."""

from collections.abc import Callable
from dataclasses import dataclass

from pie.errors import ModelError
from pie_worker.limits import (
    CONTEXT_MAX,
    HEAD_DIM_MAX,
    HEADS_MAX,
    HIDDEN_SIZE_MAX,
    LAYERS_MAX,
    VOCABULARY_SIZE_MAX,
)
from pie_worker.models.fields import Fields
from pie_worker.models.rope import Rope, read_rope

_WINDOW = 4096


@dataclass(frozen=True, slots=True)
class Architecture:
    name: str
    vocabulary_size: int
    context_max: int
    hidden_size: int
    intermediate_size: int
    layers_count: int
    query_heads: int
    kv_heads: int
    head_dim: int
    norm_epsilon: float
    tied_embeddings: bool
    """The output matrix is the embedding matrix."""
    rope: Rope
    windows: tuple[int | None, ...]
    """Per layer: how many tokens, itself included, an input sees; None: all before it."""
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    head_norms: bool = False
    """RMS norms on the heads of queries and keys, before the rotation."""

    @property
    def query_size(self) -> int:
        return self.query_heads * self.head_dim

    @property
    def kv_size(self) -> int:
        return self.kv_heads * self.head_dim

    @property
    def group_size(self) -> int:
        """Query heads per head of keys and values."""
        return self.query_heads // self.kv_heads

    @property
    def parameters_count(self) -> int:
        """Elements of the matrices; norms and biases are left out, they do not weigh."""
        attention = self.hidden_size * (2 * self.query_size + 2 * self.kv_size)
        mlp = 3 * self.hidden_size * self.intermediate_size
        embeddings = self.vocabulary_size * self.hidden_size * (1 if self.tied_embeddings else 2)
        return self.layers_count * (attention + mlp) + embeddings


def read_dense(
    fields: Fields,
    name: str,
    *,
    windows: Callable[[Fields, int], tuple[int | None, ...]],
    default_head_dim: int | None = None,
    qkv_bias: bool = False,
    output_bias: bool = False,
    mlp_bias: bool = False,
    head_norms: bool = False,
) -> Architecture:
    """The keys that the family shares. `windows` reads the attention window of each layer, given their number."""
    if fields.text("hidden_act", "silu") != "silu":
        raise ModelError(f"config.json: `hidden_act` is {fields.text('hidden_act')!r}, only 'silu' is supported")
    hidden_size = fields.integer("hidden_size", 1, HIDDEN_SIZE_MAX)
    query_heads = fields.integer("num_attention_heads", 1, HEADS_MAX)
    layers_count = fields.integer("num_hidden_layers", 1, LAYERS_MAX)
    context_max = fields.integer("max_position_embeddings", 1, 1 << 40)
    return Architecture(
        name=name,
        vocabulary_size=fields.integer("vocab_size", 1, VOCABULARY_SIZE_MAX),
        context_max=min(context_max, CONTEXT_MAX),
        hidden_size=hidden_size,
        intermediate_size=fields.integer("intermediate_size", 1, 16 * HIDDEN_SIZE_MAX),
        layers_count=layers_count,
        query_heads=query_heads,
        kv_heads=_kv_heads(fields, query_heads),
        head_dim=_head_dim(fields, default_head_dim or max(1, hidden_size // query_heads)),
        norm_epsilon=fields.number("rms_norm_eps", 0.0, 1.0, 1e-6),
        tied_embeddings=fields.flag("tie_word_embeddings", False),
        rope=read_rope(fields, min(context_max, CONTEXT_MAX)),
        windows=windows(fields, layers_count),
        qkv_bias=qkv_bias,
        output_bias=output_bias,
        mlp_bias=mlp_bias,
        head_norms=head_norms,
    )


def _kv_heads(fields: Fields, query_heads: int) -> int:
    kv_heads = fields.integer("num_key_value_heads", 1, HEADS_MAX, query_heads)
    if query_heads % kv_heads:
        raise ModelError(f"config.json: {query_heads} attention heads cannot share {kv_heads} key-value heads")
    return kv_heads


def _head_dim(fields: Fields, default: int) -> int:
    head_dim = fields.integer("head_dim", 1, HEAD_DIM_MAX, default)
    if head_dim % 2:
        raise ModelError(f"config.json: a head dimension of {head_dim} cannot be rotated in pairs")
    return head_dim


def no_windows(_: Fields, layers_count: int) -> tuple[int | None, ...]:
    return (None,) * layers_count


def one_window(fields: Fields, layers_count: int) -> tuple[int | None, ...]:
    """Mistral: `sliding_window` holds for every layer."""
    return (_window(fields),) * layers_count


def upper_windows(fields: Fields, layers_count: int) -> tuple[int | None, ...]:
    """Qwen: if `use_sliding_window`, the layers that `layer_types` says, or those from `max_window_layers` on."""
    if not fields.flag("use_sliding_window", False):
        return (None,) * layers_count
    window = _window(fields)
    if fields.has("layer_types"):
        return tuple(window if sliding else None for sliding in _layer_types(fields, layers_count))
    first = fields.integer("max_window_layers", 0, LAYERS_MAX, 28)
    return tuple(window if layer >= first else None for layer in range(layers_count))


def _window(fields: Fields) -> int | None:
    """Null says that there is none; a config.json without the key means the default of both families."""
    if fields.is_null("sliding_window"):
        return None
    return fields.integer("sliding_window", 1, 1 << 40, _WINDOW)


def _layer_types(fields: Fields, layers_count: int) -> list[bool]:
    types = fields.texts("layer_types")
    if len(types) != layers_count:
        raise ModelError(f"config.json: `layer_types` has {len(types)} entries for {layers_count} layers")
    for unknown in set(types) - {"full_attention", "sliding_attention"}:
        raise ModelError(f"config.json: layer type {unknown!r} is not supported")
    return [one == "sliding_attention" for one in types]
