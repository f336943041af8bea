from pathlib import Path

import pytest

from bakery import ProjectError
from bakery.limits import SOURCE_FILES_MAX
from bakery.project import read_project

MANIFEST = '[package]\nname = "toast"\nversion = "0.2.0"\n'


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_folder_is_its_manifest_and_its_files(tmp_path: Path) -> None:
    project = read_project(make(tmp_path, {"main.py": "a", "Pie.toml": MANIFEST, "sub/data.txt": "b"}))
    assert str(project.manifest.id) == "toast@0.2.0"
    assert dict(project.files) == {"main.py": b"a", "sub/data.txt": b"b"}


def test_what_is_only_about_a_program_changes_nothing_of_it(tmp_path: Path) -> None:
    before = read_project(make(tmp_path, {"main.py": "a", "Pie.toml": MANIFEST, "README.md": "x", "sub/README.md": "data"}))
    after = read_project(make(tmp_path, {"Pie.toml": MANIFEST.replace("0.2.0", "0.2.1"), "README.md": "y"}))
    assert before.files == after.files == {"main.py": b"a", "sub/README.md": b"data"}


def test_a_single_file_is_called_as_it_is_named(tmp_path: Path) -> None:
    make(tmp_path, {"my program_2.py": "a"})
    project = read_project(tmp_path / "my program_2.py")
    assert str(project.manifest.id) == "my-program_2@0.1.0"
    assert dict(project.files) == {"main.py": b"a"}
    assert project.shown_as("main.py") == "my program_2.py"


def test_hidden_built_and_installed_files_do_not_belong_to_it(tmp_path: Path) -> None:
    clutter = [
        ".git/x",
        ".env",
        "__pycache__/main.pyc",
        "out.wasm",
        "dist/x.py",
        "env/pyvenv.cfg",
        "env/lib.py",
        "node_modules/x.py",
    ]
    project = read_project(make(tmp_path, {"main.py": "", "Pie.toml": MANIFEST, **dict.fromkeys(clutter, "x")}))
    assert set(project.files) == {"main.py"}


def test_links_are_not_followed(tmp_path: Path) -> None:
    folder = make(tmp_path / "project", {"main.py": "", "Pie.toml": MANIFEST})
    (folder / "loop").symlink_to(folder)
    (folder / "secret.txt").symlink_to("/etc/hostname")
    assert set(read_project(folder).files) == {"main.py"}


@pytest.mark.parametrize("missing", ["main.py", "Pie.toml"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    files = {"main.py": "", "Pie.toml": MANIFEST}
    del files[missing]
    with pytest.raises(ProjectError, match=f"has no {missing}.*bakery create"):
        read_project(make(tmp_path, files))


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ('[package]\nname = "toast"\n', r"Pie\.toml: .*version"),
        ('[package]\nversion = "0.1.0"\n', r"Pie\.toml: .*name"),
        ("", r"Pie\.toml: package"),
        ("[package", r"Pie\.toml: not valid TOML"),
        ('[package]\nname = "../toast"\nversion = "0.1.0"\n', r"Pie\.toml: .*name"),
    ],
)
def test_a_wrong_manifest_is_explained(tmp_path: Path, manifest: str, complaint: str) -> None:
    with pytest.raises(ProjectError, match=complaint):
        read_project(make(tmp_path, {"main.py": "", "Pie.toml": manifest}))


@pytest.mark.parametrize("other", ["Cargo.toml", "package.json"])
def test_programs_in_other_languages_are_refused(tmp_path: Path, other: str) -> None:
    with pytest.raises(ProjectError, match="builds Python programs only"):
        read_project(make(tmp_path, {other: "", "Pie.toml": MANIFEST}))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no such file"):
        read_project(tmp_path / "nowhere")


def test_other_files_are_refused(tmp_path: Path) -> None:
    make(tmp_path, {"main.rs": ""})
    with pytest.raises(ProjectError, match="expected a folder"):
        read_project(tmp_path / "main.rs")


def test_a_folder_with_very_many_files_is_refused(tmp_path: Path) -> None:
    make(tmp_path, {"main.py": "", "Pie.toml": MANIFEST, **{f"{number}.txt": "" for number in range(SOURCE_FILES_MAX)}})
    with pytest.raises(ProjectError, match="is this a program's folder"):
        read_project(tmp_path)
