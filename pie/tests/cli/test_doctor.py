import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pie.config.home import Home
from pie_cli import doctor
from pie_cli.main import app
from sample_tokenizers import CHATML, byte_level

CONFIG = {"architectures": ["Qwen3ForCausalLM"], "vocab_size": 1024, "max_position_embeddings": 2048}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a model for the dummy driver."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_bytes(byte_level())
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": CHATML}))
    path = tmp_path / "config.toml"
    path.write_text(f'[[model]]\nname = "m"\nhf_repo = "{folder}"\ndriver.type = "dummy"\n')
    return path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    return result.exit_code, result.stdout


@pytest.mark.slow
def test_a_healthy_installation_has_no_critical_finding(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIE_HOME", str(tmp_path))
    code, out = run("--start", "--json")
    findings = {finding["subject"]: finding for finding in json.loads(out)}
    assert code == 0
    assert {"python", "wasmtime", "torch", "memory", "disk", "cache/compiled", "model m", "driver of m"} <= set(findings)
    assert findings["torch"]["detail"].endswith("devices: cpu") or "cuda:0" in findings["torch"]["detail"]
    assert findings["driver of m"]["detail"].startswith("dummy on cpu: ")


@pytest.mark.slow
def test_a_missing_model_is_critical(config: Path) -> None:
    config.write_text('[[model]]\nname = "m"\nhf_repo = "owner/none"\n')
    code, out = run("-c", str(config))
    assert code == 1
    assert "✗ model m: model 'owner/none' is not on this machine" in out


def test_a_package_that_is_not_installed_has_a_consequence() -> None:
    finding = doctor.package("no-such-package", "warning", "nothing can be done")
    assert (finding.mark, finding.detail) == ("warning", "not installed: nothing can be done")


def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    assert doctor.writable(Home(tmp_path).compiled).mark == "warning"


def test_looking_at_a_folder_does_not_make_it(tmp_path: Path) -> None:
    assert doctor.writable(Home(tmp_path / "home").compiled).mark == "ok"
    assert doctor.free_disk(tmp_path / "home").mark in ("ok", "warning")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "mark"),
    [("MemAvailable: 100 kB\n", "warning"), ("MemAvailable: 8000000 kB\n", "ok"), ("MemFree: 1 kB\n", "ok"), ("x", "ok")],
)
def test_little_memory_is_a_warning(tmp_path: Path, text: str, mark: str) -> None:
    (tmp_path / "meminfo").write_text(text)
    assert doctor.free_memory(tmp_path / "meminfo").mark == mark
