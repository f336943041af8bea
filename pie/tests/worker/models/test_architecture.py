"""What is read from config.json, and what is refused."""

from typing import Any

import pytest

from pie.errors import ModelError
from pie_worker.models.families import read_architecture
from pie_worker.models.fields import Fields, read_fields

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 100,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
}


def read(**changes: Any):
    return read_architecture(Fields({**LLAMA, **changes}, "config.json"))


def test_keys_that_may_be_missing_have_the_familys_defaults() -> None:
    architecture = read()
    assert (architecture.kv_heads, architecture.head_dim, architecture.tied_embeddings) == (4, 16, False)
    assert (architecture.rope.theta, architecture.rope.kind) == (10000.0, "default")


def test_an_architecture_is_found_by_model_type_too() -> None:
    assert read(architectures=None, model_type="qwen2").name == "qwen2"


def test_a_head_dimension_of_its_own_is_kept() -> None:
    assert read(head_dim=40).query_size == 160


def test_mistral_has_one_window_unless_it_is_null() -> None:
    assert read(architectures=["MistralForCausalLM"], sliding_window=9).windows == (9, 9)
    assert read(architectures=["MistralForCausalLM"], sliding_window=None).windows == (None, None)
    assert read(architectures=["MistralForCausalLM"]).windows == (4096, 4096)


def test_qwen_has_windows_on_the_layers_it_says() -> None:
    qwen = {"architectures": ["Qwen2ForCausalLM"], "use_sliding_window": True, "sliding_window": 9}
    assert read(**qwen, max_window_layers=1).windows == (None, 9)
    assert read(**qwen, layer_types=["sliding_attention", "full_attention"]).windows == (9, None)
    assert read(**{**qwen, "use_sliding_window": False}).windows == (None, None)


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "architecture": ({"architectures": ["GPT2LMHeadModel"]}, "GPT2LMHeadModel is not supported"),
    "no architecture": ({"architectures": []}, "not supported"),
    "missing key": ({"hidden_size": None}, "key `hidden_size` is missing"),
    "text": ({"hidden_size": "64"}, "`hidden_size` is '64'"),
    "float": ({"num_hidden_layers": 2.5}, "`num_hidden_layers` is 2.5"),
    "boolean": ({"num_hidden_layers": True}, "`num_hidden_layers` is True"),
    "negative": ({"intermediate_size": -1}, "`intermediate_size` is -1"),
    "huge": ({"num_hidden_layers": 10**9}, "`num_hidden_layers` is 1000000000"),
    "beyond all numbers": ({"vocab_size": 10**400}, "`vocab_size`"),
    "not a number": ({"rms_norm_eps": float("nan")}, "`rms_norm_eps` is nan"),
    "heads": ({"num_key_value_heads": 3}, "4 attention heads cannot share 3"),
    "odd head": ({"head_dim": 15}, "head dimension of 15"),
    "activation": ({"hidden_act": "gelu"}, "`hidden_act` is 'gelu'"),
    "flag": ({"tie_word_embeddings": 1}, "`tie_word_embeddings` is 1"),
    "rope": ({"rope_scaling": {"rope_type": "longrope"}}, "RoPE scaling `longrope` is not supported"),
    "rope factor": ({"rope_scaling": {"rope_type": "linear"}}, "rope_scaling: key `factor` is missing"),
    "rope object": ({"rope_parameters": [1]}, "`rope_parameters` is [1], but must be an object"),
}


@pytest.mark.parametrize(("changes", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError) as caught:
        read(**changes)
    assert words in caught.value.message


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b" " * (2 << 20)])
def test_a_config_that_is_no_json_object_is_refused(tmp_path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        read_fields(tmp_path / "config.json")


def test_a_config_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_fields(tmp_path / "config.json")
