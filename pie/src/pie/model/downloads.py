"""Models in the Hugging Face cache of this machine: list them, fetch one, remove one."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pie.errors import ModelError, ModelNotFoundError
from pie.model.model import read_config
from pie.model.sources import DOWNLOAD_PATTERNS, is_repository

ARCHITECTURES = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM")
"""What the torch driver runs."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A repository in the cache."""

    repository: str
    folder: Path
    architecture: str
    """Empty if it is no language model, or not complete."""
    size_bytes: int

    @property
    def is_supported(self) -> bool:
        return self.architecture in ARCHITECTURES


def downloaded(cache: Path | None = None) -> list[Downloaded]:
    """The repositories in the cache (None: where the library keeps it), by name."""
    return sorted((_described(repository) for repository in _repositories(cache)), key=lambda entry: entry.repository)


def download(repository: str, *, everything: bool = False, cache: Path | None = None, endpoint: str | None = None) -> Path:
    """Fetches a repository and returns its folder; shows progress on stderr. What is here already is not fetched again.

    `everything`: also files that Pie has no use for. Raises `ModelError`, `ModelNotFoundError`.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if not is_repository(repository):
        raise ModelNotFoundError(f"'{repository}' is no repository: expected one like Qwen/Qwen3-0.6B")
    patterns = None if everything else list(DOWNLOAD_PATTERNS)
    try:
        folder = snapshot_download(repository, cache_dir=cache, allow_patterns=patterns, endpoint=endpoint)
    except GatedRepoError as error:
        raise ModelError(
            f"'{repository}' is gated: accept its terms on https://huggingface.co/{repository}, then `hf auth login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelNotFoundError(f"Hugging Face has no repository '{repository}', or you may not see it") from error
    except Exception as error:  # the library and what it stands on raise many kinds
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelError(
            f"'{repository}' could not be downloaded: {reason}. Without a network: copy the model's folder here and give its path"
        ) from error
    return Path(folder)


def remove(repository: str, cache: Path | None = None) -> int:
    """Deletes a repository from the cache and returns how many bytes that freed. Raises `ModelNotFoundError`, `ModelError`."""
    for entry in _repositories(cache):
        if entry.repo_id == repository:
            _delete(entry.repo_path)
            return int(entry.size_on_disk)
    raise ModelNotFoundError(f"'{repository}' is not in the cache; `pie model list` shows what is")


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(f"{error.filename or folder} cannot be deleted: {error.strerror}") from error


def _repositories(cache: Path | None) -> list[Any]:
    """The library's view of the models in the cache."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        found = scan_cache_dir(cache).repos
    except CacheNotFound:
        return []
    return [entry for entry in found if entry.repo_type == "model" and entry.revisions]


def _described(entry: Any) -> Downloaded:
    folder = _newest(entry.revisions).snapshot_path
    try:
        architecture = read_config(folder).architecture
    except ModelError:
        architecture = ""
    return Downloaded(entry.repo_id, folder, architecture, entry.size_on_disk)


def _newest(revisions: Iterable[Any]) -> Any:
    return max(revisions, key=lambda revision: revision.last_modified)
