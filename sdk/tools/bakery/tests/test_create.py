from pathlib import Path

import pytest

from bakery import ProjectError, create
from bakery.check import check
from bakery.project import read_project


def test_a_new_project_is_ready_to_be_built(tmp_path: Path) -> None:
    folder = create("toast", tmp_path / "somewhere" / "toast")
    project = read_project(folder)
    assert str(project.manifest.id) == "toast@0.1.0"
    assert set(project.manifest.parameters) == {"prompt", "max_tokens"}
    assert check(project).suspicion is None
    assert "toast" in (folder / "README.md").read_text()


def test_without_a_folder_it_is_made_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert create("toast") == Path("toast")
    assert (tmp_path / "toast" / "main.py").is_file()


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    create("toast", tmp_path)
    assert (tmp_path / "Pie.toml").is_file()


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")
    with pytest.raises(ProjectError, match="already exists"):
        create("toast", tmp_path)
    assert (tmp_path / "main.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "../toast", "a b", "-toast", "ü"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="cannot be a program's name"):
        create(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()
