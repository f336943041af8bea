"""Real builds: componentize-py, the real SDK, the real interfaces."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import bakery
from bakery import BuildError, SourceError
from bakery import build as build_program
from bakery.component import read_component
from bakery.main import app

INFERLETS = Path(__file__).parents[4] / "inferlets"
ONE = "def main(input):\n    return 1\n"


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "toast.py"
    path.write_text(text)
    return path


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(SourceError) as failure:
        build_program(program(tmp_path, text), tmp_path / "cache")
    return str(failure.value)


@pytest.mark.slow
def test_a_file_becomes_a_component_once_and_nothing_is_written_beside_it(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    told: list[str] = []
    source, cache = program(tmp_path, ONE), tmp_path_factory.mktemp("cache")
    first = build_program(source, cache, told.append)
    second = build_program(source, cache, told.append)
    assert (first.cached, second.cached) == (False, True)
    assert first.wasm == second.wasm
    assert told == ["building toast@0.1.0 (takes about 6 s)"]
    assert read_component(first.wasm).exports == ("exports", "pie:inferlet/run@0.1.0")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in INFERLETS.iterdir() if path.is_dir()))
def test_our_own_programs_build(name: str, pie_cache: Path) -> None:
    artifact = build_program(INFERLETS / name, pie_cache / "bakery")
    assert artifact.manifest.package.name == name
    assert artifact.manifest.package.description
    assert all(parameter.description for parameter in artifact.manifest.parameters.values())


@pytest.mark.slow
def test_the_command_builds_a_new_project(tmp_path: Path, pie_cache: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["create", "toast", "-o", str(tmp_path / "toast")]).exit_code == 0
    target = tmp_path / "out" / "toast.wasm"
    built = runner.invoke(app, ["build", str(tmp_path / "toast"), "-o", str(target), "--cache", str(pie_cache / "bakery")])
    assert built.exit_code == 0, built.output
    assert target.read_bytes().startswith(b"\0asm")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"import os\nx = = 1\n{ONE}", "toast.py:2: syntax error: invalid syntax"),
        (f"from inferlet import tools\n{ONE}", "toast.py:1: inferlet.errors.LaterVersionError: inferlet.tools is not part"),
        (f"from inferlet import runtime\nruntime.models()\n{ONE}", "calls the engine (pie:inferlet/runtime@0.1.0#models)"),
        ("main = lambda: 1\n", "`main` must take exactly one argument"),
    ],
)
def test_what_is_wrong_with_a_source_is_told_in_its_own_terms(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", "toast.py: has no function `main`"),
        ("def main(): pass\n", "toast.py:1: `main` must take exactly one argument"),
        (f"import numpy\n{ONE}", "toast.py:1: cannot import 'numpy'"),
    ],
)
def test_what_a_look_can_find_needs_no_build(tmp_path: Path, text: str, expected: str) -> None:
    assert complaint(tmp_path, text).startswith(expected)


def test_a_failing_command_says_why_and_exits_with_1(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["build", str(program(tmp_path, "x = 1\n")), "--cache", str(tmp_path)])
    assert result.exit_code == 1
    assert "Error: toast.py: has no function `main`" in result.output


def test_everything_exported_is_there() -> None:
    assert all(hasattr(bakery, name) for name in bakery.__all__)
    assert issubclass(BuildError, bakery.BakeryError)
