"""Where a model's files are: in the package, in a folder, in the Hugging Face cache."""

import re
from pathlib import Path

from pie.config.config import EMBEDDED_MODEL
from pie.errors import ModelError, ModelNotFoundError

DOWNLOAD_PATTERNS = ("*.json", "*.model", "*.txt", "*.tiktoken", "*.jinja", "model*.safetensors")
"""What is needed of a repository: no second copy of the weights in other formats."""

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def resolve(source: str, cache: Path | None = None) -> Path:
    """The folder of a model: `pie-tiny`, a local folder, or a Hugging Face repository that has been downloaded.

    `cache` is the Hugging Face cache (None: where that library looks). Raises `ModelNotFoundError`, which says what to do.
    """
    if source == EMBEDDED_MODEL:
        return embedded()
    folder = Path(source).expanduser()
    if source and folder.is_dir():
        return folder.resolve()
    if not is_repository(source):
        raise ModelNotFoundError(
            f"no model '{source}': it is neither '{EMBEDDED_MODEL}', nor a folder, nor a repository like Qwen/Qwen3-0.6B"
        )
    downloaded = _downloaded(source, cache)
    if downloaded is None:
        raise ModelNotFoundError(f"model '{source}' is not on this machine; get it with: pie model download {source}")
    return downloaded


def embedded() -> Path:
    """The folder of `pie-tiny`. Raises `ModelNotFoundError` if the package was built without it."""
    folder = Path(__file__).parents[1] / "data" / EMBEDDED_MODEL
    if not (folder / "config.json").is_file():
        raise ModelNotFoundError(f"'{EMBEDDED_MODEL}' is not part of this installation (looked in {folder})")
    return folder


def is_repository(source: str) -> bool:
    """Whether this is written like a Hugging Face repository: owner/name."""
    return _REPOSITORY.fullmatch(source) is not None and ".." not in source


def _downloaded(repository: str, cache: Path | None) -> Path | None:
    from huggingface_hub import snapshot_download  # slow to import, and seldom needed
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, cache_dir=cache, local_files_only=True, allow_patterns=list(DOWNLOAD_PATTERNS)))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    except OSError as error:
        raise ModelError(f"the Hugging Face cache cannot be read: {error}") from error
    return folder if (folder / "config.json").is_file() else None
