import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pie.config.config import Config
from pie.config.file import parse
from pie.config.reference import template
from pie_cli.main import app


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIE_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["config", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_init_writes_the_template_and_says_where(home: Path) -> None:
    assert run("init") == (0, f"{home}/config.toml\n", "")
    assert (home / "config.toml").read_text() == template()


def test_init_does_not_overwrite_unless_forced(home: Path) -> None:
    (home / "config.toml").write_text("# mine")
    code, _, err = run("init")
    assert (code, err) == (1, f"pie: {home}/config.toml is there already; --force overwrites it\n")
    assert (home / "config.toml").read_text() == "# mine"
    assert run("init", "--force")[0] == 0
    assert (home / "config.toml").read_text() == template()


def test_show_prints_every_key_in_force(home: Path) -> None:
    code, out, _ = run("show")
    assert (code, parse(out)) == (0, Config())
    assert out.startswith(f"# defaults: there is no {home}/config.toml\n")


def test_show_as_json(home: Path) -> None:
    (home / "config.toml").write_text("[runtime]\nallow_fs = true")
    assert json.loads(run("show", "--json")[1])["runtime"]["allow_fs"] is True


def test_set_makes_the_file_if_there_is_none(home: Path) -> None:
    assert run("set", "model.0.driver.device", "cuda:1") == (0, "", "")
    assert parse((home / "config.toml").read_text()).models[0].driver.device == "cuda:1"


def test_set_refuses_what_would_not_be_valid_and_leaves_the_file(home: Path) -> None:
    (home / "config.toml").write_text("# mine\n")
    code, _, err = run("set", "runtime.allow_sf", "true")
    assert (code, err) == (1, f"pie: {home}/config.toml: runtime.allow_sf: unknown key; did you mean `allow_fs`?\n")
    assert (home / "config.toml").read_text() == "# mine\n"


def test_another_file_can_be_named(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    assert run("init", "--path", str(other))[0] == 0
    assert run("set", "--path", str(other), "runtime.wasm_max_memory_mb", "64")[0] == 0
    assert "wasm_max_memory_mb = 64" in run("show", "--path", str(other))[1]


def test_a_negative_number_is_a_value() -> None:
    code, _, err = run("set", "--", "runtime.wasm_max_memory_mb", "-1")
    assert code == 1
    assert "must be a whole number >= 1" in err
