from pathlib import Path

from typer.testing import CliRunner

from pie_cli.main import app

MODELS = '[[model]]\nname = "a"\nhf_repo = "pie-tiny"\n[[model]]\nname = "b"\nhf_repo = "x/y"\ndriver.type = "dummy"\n'


def check(path: Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", str(path)])
    return result.exit_code, result.stdout, result.stderr


def test_a_right_file_is_summed_up(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(MODELS)
    assert check(path) == (0, f"✓ {path} valid: 2 models; a:torch, b:dummy\n", "")


def test_a_wrong_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(MODELS.replace("dummy", "dumy"))
    assert check(path) == (1, "", f"pie: {path}: model[1].driver.type: must be 'dummy' or 'torch', not 'dumy'\n")
