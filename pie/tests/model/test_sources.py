from pathlib import Path

import pytest

from pie.errors import ModelNotFoundError
from pie.model.sources import is_repository, resolve


def downloaded(cache: Path, repository: str) -> Path:
    """A repository as `huggingface_hub` keeps it."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(snapshot.name)
    return snapshot


def test_a_folder_is_found_as_it_is(tmp_path: Path) -> None:
    assert resolve(str(tmp_path)) == tmp_path.resolve()


def test_a_downloaded_repository_is_found_in_the_cache(tmp_path: Path) -> None:
    snapshot = downloaded(tmp_path, "owner/model-1.5B")
    assert resolve("owner/model-1.5B", cache=tmp_path) == snapshot


def test_a_repository_that_is_not_here_comes_with_the_command_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="pie model download owner/model"):
        resolve("owner/model", cache=tmp_path)


def test_a_half_downloaded_repository_is_not_here(tmp_path: Path) -> None:
    (downloaded(tmp_path, "owner/model") / "config.json").unlink()
    with pytest.raises(ModelNotFoundError, match="pie model download"):
        resolve("owner/model", cache=tmp_path)


@pytest.mark.parametrize("source", ["nothing", "/no/such/folder", "../up/down", "a/b/c", ""])
def test_what_cannot_be_a_model_says_what_can(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError, match="neither 'pie-tiny', nor a folder, nor a repository"):
        resolve(source, cache=tmp_path)


@pytest.mark.parametrize(
    ("text", "is_one"), [("Qwen/Qwen3-0.6B", True), ("a/b", True), ("a/../b", False), ("a/b/c", False), ("ä/b", False)]
)
def test_a_repository_is_an_owner_and_a_name(text: str, is_one: bool) -> None:
    assert is_repository(text) is is_one
