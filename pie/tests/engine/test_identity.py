"""A model is known by its files."""

from pathlib import Path

import pytest

from pie.engine.identity import identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(100))
    return tmp_path


def test_the_same_files_elsewhere_are_the_same_model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("elsewhere")
    for path in folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "README.md").write_text("not part of it")
    assert identity(other, "m") == identity(folder, "m")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors", "model-2.safetensors"])
def test_another_description_or_other_weights_are_another_model(folder: Path, name: str) -> None:
    before = identity(folder, "m")
    (folder / name).write_bytes(b"\1" * 100)
    assert identity(folder, "m") != before


def test_one_model_under_two_names_is_two(folder: Path) -> None:
    assert identity(folder, "a") != identity(folder, "b")
