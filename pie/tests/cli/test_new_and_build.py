from pathlib import Path

import pytest
from typer.testing import CliRunner

from pie_cli.main import app


def pie(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stderr


def test_a_new_project_says_how_to_run_it(tmp_path: Path) -> None:
    code, err = pie("new", "hello", "-o", str(tmp_path / "hello"))
    assert (code, err) == (0, f"{tmp_path}/hello: run it with `pie run {tmp_path}/hello`\n")
    assert (tmp_path / "hello" / "Pie.toml").exists()


def test_a_name_that_is_none_is_refused() -> None:
    code, err = pie("new", "../up")
    assert code == 1
    assert err.startswith("pie: '../up' cannot be a program's name")


def test_what_cannot_be_built_is_an_error(tmp_path: Path) -> None:
    code, err = pie("build", str(tmp_path))
    assert code == 1
    assert err.startswith(f"pie: {tmp_path}: has no main.py")


@pytest.mark.slow
def test_a_new_project_builds(tmp_path: Path, pie_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIE_HOME", str(pie_cache.parent))
    assert pie("new", "hello", "-o", str(tmp_path / "hello"))[0] == 0
    code, err = pie("build", str(tmp_path / "hello"), "-o", str(tmp_path / "out" / "hello.wasm"))
    assert code == 0, err
    assert (tmp_path / "out" / "hello.wasm").read_bytes().startswith(b"\0asm")
    assert pie("build", str(tmp_path / "hello"), "-o", str(tmp_path / "again.wasm"))[1].endswith("(as built before)\n")
