"""Files and programs in chunks, both ways; the hash is checked before anybody sees a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pie_client.limits import FILE_BYTES_MAX
from pie_wire.chunks import Assembly, count, hash_of, split
from pie_wire.errors import ChunkError
from pie_wire.messages import AddProgram, File, TransferFile

_FALLBACK = "file.bin"
_NAME_BYTES_MAX = 200
"""Of a file name: file systems end at 255."""


class ReceivedFile(bytes):
    """A whole file from a process: its bytes, and `name`, which the process suggested (None: it did not)."""

    name: str | None

    def __new__(cls, data: bytes = b"", name: str | None = None) -> Self:
        file = super().__new__(cls, data)
        file.name = name
        return file

    def file_name(self, fallback: str = _FALLBACK) -> str:
        """The name without folders and control characters: safe to join to a folder. `fallback` if nothing is left."""
        last = (self.name or "").replace("\\", "/").rpartition("/")[2]
        clean = "".join(character for character in last if character.isprintable()).strip()
        short = clean.encode("utf-8", "ignore")[:_NAME_BYTES_MAX].decode("utf-8", "ignore")
        return fallback if short in ("", ".", "..") else short

    def save(self, directory: str | Path, fallback: str = _FALLBACK) -> Path:
        """Write it below `directory`, which is made if need be. A file of that name stays: the new one gets a number."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        for name in _numbered(self.file_name(fallback)):
            try:
                with (folder / name).open("xb") as file:
                    file.write(self)
            except FileExistsError:
                continue
            return folder / name
        raise AssertionError("numbers do not end")


class Download:
    """Puts one file of a process together."""

    def __init__(self, first: File) -> None:
        """Raises `ChunkError`."""
        self._hash = first.file_hash
        self._name = first.name if isinstance(first.name, str) else None
        self._assembly = Assembly(first.total_chunks, FILE_BYTES_MAX, too_large=f"a file larger than {FILE_BYTES_MAX} bytes")

    def add(self, chunk: File) -> ReceivedFile | None:
        """The file after its last chunk. Raises `ChunkError`; the download is then over."""
        data = self._assembly.add(chunk.chunk_index, chunk.total_chunks, chunk.chunk_data)
        if data is None:
            return None
        if hash_of(data) != self._hash:
            raise ChunkError(f"a file whose hash is not {self._hash}")
        return ReceivedFile(data, self._name)


def program_chunks(corr_id: int, wasm: bytes, manifest: str, *, force: bool) -> Iterator[AddProgram]:
    """The messages that install a program."""
    program_hash, total = hash_of(wasm), count(len(wasm))
    for index, data in enumerate(split(wasm)):
        yield AddProgram(corr_id, program_hash, manifest, force, index, total, data)


def file_chunks(process_id: str, data: bytes, name: str = "", corr_id: int | None = None) -> Iterator[TransferFile]:
    """The messages that hand a file to a process."""
    file_hash, total = hash_of(data), count(len(data))
    for index, chunk in enumerate(split(data)):
        yield TransferFile(process_id, file_hash, index, total, chunk, name, corr_id)


def _numbered(name: str) -> Iterator[str]:
    """The name, then `name-1.suffix`, `name-2.suffix` and so on."""
    yield name
    path, number = Path(name), 0
    while True:
        number += 1
        yield f"{path.stem}-{number}{path.suffix}"
