"""Which module reads which architecture."""

from collections.abc import Callable

from pie.errors import ModelError
from pie_worker.models import llama, mistral, qwen2, qwen3
from pie_worker.models.architecture import Architecture
from pie_worker.models.fields import Fields

FAMILIES: dict[str, Callable[[Fields], Architecture]] = {
    "LlamaForCausalLM": llama.read,
    "MistralForCausalLM": mistral.read,
    "Qwen2ForCausalLM": qwen2.read,
    "Qwen3ForCausalLM": qwen3.read,
}

_MODEL_TYPES = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}


def read_architecture(fields: Fields) -> Architecture:
    """By `architectures`, or by `model_type` where that is missing. Raises `ModelError` for one that we do not have."""
    if fields.has("architectures"):
        names = fields.texts("architectures")
    else:
        names = [_MODEL_TYPES.get(fields.text("model_type"), fields.text("model_type"))]
    for name in names:
        if name in FAMILIES:
            return FAMILIES[name](fields)
    raise ModelError(f"config.json: architecture {', '.join(names) or '(none)'} is not supported; {', '.join(FAMILIES)} are")
