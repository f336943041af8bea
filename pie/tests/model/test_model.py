import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pie.errors import ModelError
from pie.model import model
from pie.model.model import LoadedModel
from sample_tokenizers import CHATML, LLAMA_3, byte_level

CONFIG = {"architectures": ["Qwen3ForCausalLM"], "vocab_size": 1024, "max_position_embeddings": 2048, "eos_token_id": 7}


def write(folder: Path, **files: Any) -> None:
    """Writes JSON files by their stem, and raw ones given as bytes."""
    for stem, content in ({"config": CONFIG, "tokenizer": byte_level()} | files).items():
        (folder / f"{stem}.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def load(folder: Path) -> LoadedModel:
    return model.load("m", folder, lambda: datetime(2024, 7, 26))


def test_a_model_is_what_its_files_say(tmp_path: Path) -> None:
    write(tmp_path)
    loaded = load(tmp_path)
    assert (loaded.name, loaded.folder, loaded.architecture) == ("m", tmp_path, "Qwen3ForCausalLM")
    assert (loaded.vocabulary_size, loaded.context_max) == (1024, 2048)
    assert loaded.tokenizer.vocabulary_size == 1024


def test_the_language_part_of_a_larger_model_is_read(tmp_path: Path) -> None:
    write(tmp_path, config={"architectures": ["Big"], "text_config": {"vocab_size": 1024, "max_position_embeddings": 5}})
    assert (load(tmp_path).architecture, load(tmp_path).context_max) == ("Big", 5)


def test_stop_tokens_are_the_end_of_the_turn_then_the_end_tokens(tmp_path: Path) -> None:
    settings = {"chat_template": CHATML, "eos_token": {"content": "</s>"}}
    write(tmp_path, generation_config={"eos_token_id": [3, 4]}, tokenizer_config=settings)
    loaded = load(tmp_path)
    assert loaded.stop_tokens == (loaded.tokenizer.id_of("<|im_end|>"), 3, 4, loaded.tokenizer.id_of("</s>"))


def test_without_generation_settings_the_end_token_is_that_of_the_config(tmp_path: Path) -> None:
    write(tmp_path)
    assert 7 in load(tmp_path).stop_tokens


def test_end_tokens_beyond_the_vocabulary_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, generation_config={"eos_token_id": [3, 5000]})
    assert 5000 not in load(tmp_path).stop_tokens


def test_a_template_file_comes_before_the_one_in_the_settings(tmp_path: Path) -> None:
    write(tmp_path, tokenizer_config={"chat_template": CHATML, "bos_token": "<|begin_of_text|>"})
    (tmp_path / "chat_template.jinja").write_text(LLAMA_3)
    assert load(tmp_path).chat.pieces.opening == "<|begin_of_text|>"


def test_of_several_templates_one_is_for_tools(tmp_path: Path) -> None:
    templates = [{"name": "default", "template": CHATML}, {"name": "tool_use", "template": "{{ tools | length }} tools"}]
    write(tmp_path, tokenizer_config={"chat_template": templates})
    loaded = load(tmp_path)
    assert loaded.tokenizer.decode(loaded.chat.render([{"role": "user", "content": "x"}], [{}], add_cue=False)) == "1 tools"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"config": b"{"}, "config.json: "),
        ({"config": b"[" * 100_000}, "config.json: "),
        ({"config": {**CONFIG, "vocab_size": None}}, "vocab_size"),
        ({"config": {**CONFIG, "vocab_size": 0}}, "vocab_size"),
        ({"config": {**CONFIG, "vocab_size": 100}}, "do not belong together"),
        ({"config": {**CONFIG, "architectures": []}}, "names no architecture"),
        ({"config": {"model_type": "x"}}, "vocab_size"),
        ({"tokenizer": b"{}"}, "tokenizer.json cannot be read"),
        ({"tokenizer_config": {"chat_template": 5}}, "tokenizer_config.json"),
        ({"generation_config": {"eos_token_id": "x"}}, "generation_config.json"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, files: dict[str, Any], problem: str) -> None:
    write(tmp_path, **files)
    with pytest.raises(ModelError, match=problem):
        load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        load(tmp_path)
    write(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        load(tmp_path)
