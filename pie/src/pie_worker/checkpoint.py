"""Weights in a folder: one safetensors file, or several with an index. Hostile input; every error names the file and the tensor."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pie.errors import ModelError
from pie_worker.limits import INDEX_BYTES_MAX
from pie_worker.models.fields import read_object

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"

_STORED_DTYPES = {"F32", "BF16", "F16"}


class Checkpoint:
    """The tensors of a model folder, read one at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises `ModelError` if there are no weights, or a file of them cannot be opened."""
        self._files: dict[str, Any] = {}
        self._file_of_tensor: dict[str, str] = {}
        if (folder / INDEX_FILE).exists():
            self._open_sharded(folder)
        elif (folder / SINGLE_FILE).exists():
            self._open(folder, SINGLE_FILE)
            self._file_of_tensor = dict.fromkeys(self._files[SINGLE_FILE].keys(), SINGLE_FILE)
        else:
            raise ModelError(f"{folder} holds neither {SINGLE_FILE} nor {INDEX_FILE}")

    def __contains__(self, name: str) -> bool:
        return name in self._file_of_tensor

    def tensor(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """The tensor, in its stored type. Raises `ModelError` unless it is there, a float, and of this shape."""
        file_name = self._file_of_tensor.get(name)
        if file_name is None:
            raise ModelError(f"tensor {name} is missing")
        try:
            header = self._files[file_name].get_slice(name)
            stored_shape, stored_dtype = tuple(header.get_shape()), header.get_dtype()
        except SafetensorError as error:
            raise ModelError(f"tensor {name} is not in {file_name}, where the index says it is") from error
        if stored_shape != shape:
            raise ModelError(f"tensor {name} in {file_name} has shape {list(stored_shape)}, config.json asks for {list(shape)}")
        if stored_dtype not in _STORED_DTYPES:
            raise ModelError(f"tensor {name} in {file_name} is stored as {stored_dtype}; F32, BF16 and F16 are supported")
        tensor = self._files[file_name].get_tensor(name)
        assert isinstance(tensor, torch.Tensor)
        return tensor

    def _open_sharded(self, folder: Path) -> None:
        index = read_object(folder / INDEX_FILE, INDEX_BYTES_MAX)
        weight_map = index.get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise ModelError(f"{INDEX_FILE}: key `weight_map` is missing")
        for name, file_name in weight_map.items():
            if not isinstance(file_name, str) or Path(file_name).name != file_name:
                raise ModelError(f"{INDEX_FILE}: tensor {name} is said to be in {file_name!r}, which is no file name")
            if file_name not in self._files:
                self._open(folder, file_name)
            self._file_of_tensor[name] = file_name

    def _open(self, folder: Path, file_name: str) -> None:
        try:
            self._files[file_name] = safe_open(folder / file_name, framework="pt")
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{folder / file_name} cannot be read: {error}") from error
