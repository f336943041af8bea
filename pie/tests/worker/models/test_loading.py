"""A broken model folder is refused with an error that names the file, the key or the tensor."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pie.errors import ModelError
from pie_worker.models.decoder import Decoder
from pie_worker.models.loading import load_decoder, read_folder
from random_models import edit_config, write_random_model

QUERY = "model.layers.1.self_attn.q_proj.weight"


def load(folder: Path) -> Decoder:
    return load_decoder(folder, read_folder(folder), torch.device("cpu"), torch.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_random_model(tmp_path, "qwen3")
    return tmp_path


def edit_tensors(folder: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_a_missing_tensor_is_named(folder: Path) -> None:
    edit_tensors(folder, lambda tensors: tensors.pop(QUERY))
    with pytest.raises(ModelError, match=f"{QUERY} is missing"):
        load(folder)


def test_a_misshapen_tensor_is_named_with_both_shapes(folder: Path) -> None:
    edit_tensors(folder, lambda tensors: tensors.update({QUERY: torch.zeros(64, 47)}))
    with pytest.raises(ModelError, match=rf"{QUERY} in model\.safetensors has shape \[64, 47\], .* \[64, 48\]"):
        load(folder)


def test_a_tensor_of_integers_is_refused(folder: Path) -> None:
    edit_tensors(folder, lambda tensors: tensors.update({QUERY: torch.zeros(64, 48, dtype=torch.int32)}))
    with pytest.raises(ModelError, match=f"{QUERY} .* stored as I32"):
        load(folder)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_files_are_loaded(folder: Path, dtype: torch.dtype) -> None:
    edit_tensors(folder, lambda tensors: tensors.update({name: tensor.to(dtype) for name, tensor in tensors.items()}))
    assert load(folder).dtype == torch.float32


def test_a_vocabulary_that_does_not_match_is_refused(folder: Path) -> None:
    edit_config(folder, vocab_size=200)
    with pytest.raises(ModelError, match=r"model\.embed_tokens\.weight .* \[160, 48\], config\.json asks for \[200, 48\]"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x08\0\0\0\0\0\0\0notjson!", (1 << 60).to_bytes(8, "little") + b"{}"])
def test_a_corrupt_weights_file_is_named(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        load(folder)


def test_a_truncated_weights_file_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        load(folder)


def test_a_folder_without_weights_says_what_was_looked_for(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"neither model\.safetensors nor model\.safetensors\.index\.json"):
        load(folder)


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", 5])
def test_an_index_names_files_of_the_folder_only(folder: Path, name: object) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {QUERY: name}}))
    with pytest.raises(ModelError, match="which is no file name"):
        load(folder)


def test_an_index_that_points_to_the_wrong_file_is_named(tmp_path: Path) -> None:
    write_random_model(tmp_path, "qwen3", shard_bytes=100_000)
    path = tmp_path / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    other = next(name for name in index["weight_map"].values() if name != index["weight_map"][QUERY])
    index["weight_map"][QUERY] = other
    path.write_text(json.dumps(index))
    with pytest.raises(ModelError, match=f"{QUERY} is not in {other}"):
        load(tmp_path)


def test_a_shard_that_is_missing_is_named(tmp_path: Path) -> None:
    write_random_model(tmp_path, "qwen3", shard_bytes=100_000)
    lost = sorted(tmp_path.glob("*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(ModelError, match=lost.name):
        load(tmp_path)
