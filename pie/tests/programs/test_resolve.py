from pathlib import Path

import pytest

from pie.errors import ManifestError, PieError, ProgramError, ProgramNotFoundError
from pie.programs.bundled import folder, sources
from pie.programs.resolve import from_files, resolve

MANIFEST = '[package]\nname = "hello"\nversion = "0.1.0"\n'


def quiet(_: str) -> None:
    """Progress that nobody sees."""


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    for name in ("hello", "text-completion"):
        (tmp_path / "examples" / name).mkdir(parents=True)
        (tmp_path / "examples" / name / "Pie.toml").write_text(MANIFEST.replace("hello", name))
    return tmp_path / "examples"


def failure(target: str, tmp_path: Path, examples: Path) -> PieError:
    with pytest.raises(PieError) as caught:
        resolve(target, tmp_path / "cache", quiet, examples=examples)
    return caught.value


def test_a_component_comes_with_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "x.wasm").write_bytes(b"\0asm")
    (tmp_path / "Pie.toml").write_text(MANIFEST)
    program = from_files(tmp_path / "x.wasm", tmp_path / "Pie.toml")
    assert (program.wasm, str(program.id)) == (b"\0asm", "hello@0.1.0")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pie.toml").write_text(MANIFEST)
    with pytest.raises(ProgramNotFoundError, match=r"x\.wasm: there is no such file"):
        from_files(tmp_path / "x.wasm", tmp_path / "Pie.toml")
    with pytest.raises(ProgramNotFoundError, match=r"other\.toml: there is no such file"):
        from_files(tmp_path / "x.wasm", tmp_path / "other.toml")


def test_a_folder_is_no_component(tmp_path: Path) -> None:
    (tmp_path / "Pie.toml").write_text(MANIFEST)
    with pytest.raises(ProgramError, match="cannot be read"):
        from_files(tmp_path, tmp_path / "Pie.toml")


@pytest.mark.parametrize("content", [b"[package]\nname = '../up'\nversion = '1.0.0'", b"\xff", b"[package]\nname = 'a'"])
def test_a_wrong_manifest_is_named_with_its_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "Pie.toml").write_bytes(content)
    with pytest.raises(ManifestError, match=r"Pie\.toml: "):
        from_files(tmp_path / "x.wasm", tmp_path / "Pie.toml")


def test_an_absurdly_large_component_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "Pie.toml").write_text(MANIFEST)
    with (tmp_path / "x.wasm").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ProgramError, match="larger than"):
        from_files(tmp_path / "x.wasm", tmp_path / "Pie.toml")


def test_an_unknown_name_comes_with_the_nearest_one(tmp_path: Path, examples: Path) -> None:
    error = failure("text-completoin", tmp_path, examples)
    assert isinstance(error, ProgramNotFoundError)
    assert "did you mean 'text-completion'?" in error.message


def test_a_name_far_from_all_comes_with_the_list(tmp_path: Path, examples: Path) -> None:
    assert "there are: hello, text-completion" in failure("zzz", tmp_path, examples).message


def test_another_version_than_the_one_here_is_not_found(tmp_path: Path, examples: Path) -> None:
    assert failure("hello@0.2.0", tmp_path, examples).message == "no version 0.2.0 of 'hello' here, only 0.1.0"
    assert "expected hello@major.minor.patch" in failure("hello@new", tmp_path, examples).message


def test_a_component_as_target_needs_its_manifest(tmp_path: Path, examples: Path) -> None:
    assert "--path x.wasm --manifest" in failure("x.wasm", tmp_path, examples).message


@pytest.mark.parametrize("target", ["./nothing", "nothing.py", "a/b"])
def test_a_path_that_is_not_there_is_not_taken_for_a_name(tmp_path: Path, examples: Path, target: str) -> None:
    assert "there is no such file or folder" in failure(target, tmp_path, examples).message


def test_a_folder_that_is_no_project_says_what_is_missing(tmp_path: Path, examples: Path) -> None:
    error = failure(str(tmp_path), tmp_path, examples)
    assert isinstance(error, ProgramError)
    assert "main.py" in error.message


def test_the_examples_of_this_checkout_are_found() -> None:
    assert "text-completion" in sources(folder())


@pytest.mark.slow
@pytest.mark.parametrize("target", ["./greet.py", "greet"])
def test_source_is_built_on_the_way(
    tmp_path: Path, pie_cache: Path, examples: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project = Path("greet")
    project.mkdir()
    for folder_, name in ((Path(), "greet.py"), (project, "main.py")):
        (folder_ / name).write_text("def main(input):\n    return input\n")
    (project / "Pie.toml").write_text(MANIFEST.replace("hello", "greet"))
    program = resolve(target, pie_cache / "bakery", quiet, examples=examples)
    assert program.wasm.startswith(b"\0asm")
    assert program.id.name == "greet"
