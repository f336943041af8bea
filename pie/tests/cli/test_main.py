import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pie_cli.main import app, find_verbs, load

HEAVY = {"torch", "wasmtime", "huggingface_hub", "tokenizers", "numpy", "jinja2", "rich", "tomlkit", "bakery", "zmq"} | {
    "uvicorn",
    "starlette",
    "websockets",
    "cryptography",
    "textual",
    "pie_client",
}


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_help_names_every_verb() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"  {verb} " in out for verb in find_verbs())


def test_every_verb_has_a_module_and_help_of_its_own() -> None:
    assert all(load(verb.module).help for verb in find_verbs().values())


def test_the_version_is_printed() -> None:
    assert run("--version") == (0, "pie 0.1.0\n", "")


@pytest.mark.parametrize(
    "arguments", [["nope"], ["--nope"], ["config", "nope"], ["new"], ["build", "a", "b"], ["doctor", "--nope"]]
)
def test_a_wrong_call_exits_with_2(arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Error" in err


def test_an_unknown_verb_comes_with_the_nearest_one() -> None:
    assert "Did you mean 'doctor'?" in run("docter")[2]


def test_an_error_is_one_line_and_exits_with_1(tmp_path: Path) -> None:
    code, out, err = run("check", str(tmp_path / "none.toml"))
    assert (code, out, err) == (1, "", f"pie: {tmp_path}/none.toml: there is no such file\n")


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from pie_cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert {name.partition(".")[0] for name in done.stderr.split()} & HEAVY == set()


HEEDS_SIGINT = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""A child of a shell's background job inherits that Ctrl-C is ignored."""


def test_ctrl_c_exits_with_130() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", f"{HEEDS_SIGINT}; from pie_cli.main import main; main()", "doctor"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={"PYTHONUNBUFFERED": "1"},
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err
