"""Which model it is: the same files under the same name, wherever they lie, give the same word."""

from collections.abc import Iterator
from pathlib import Path

import blake3

from pie.limits import WEIGHTS_SAMPLE_BYTES

_WHOLE = ("config.json", "tokenizer.json")
_WEIGHTS = ("*.safetensors", "*.bin", "*.gguf")


def identity(folder: Path, name: str) -> str:
    """Hash of the model's name, its description, and samples of its weights: size, beginning and end of each file.

    Raises `OSError`.
    """
    hasher = blake3.blake3()
    for part in (name.encode(), *_parts(folder)):
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return hasher.hexdigest()[:32]


def _parts(folder: Path) -> Iterator[bytes]:
    for name in _WHOLE:
        path = folder / name
        yield path.read_bytes() if path.exists() else b""
    for path in sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern)):
        yield path.name.encode()
        yield from _samples(path)


def _samples(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        yield size.to_bytes(8, "little")
        for begin in (0, max(0, size - WEIGHTS_SAMPLE_BYTES)):
            file.seek(begin)
            yield file.read(WEIGHTS_SAMPLE_BYTES)
