"""What `pie serve` decides before it listens. How it lives and ends: tests/e2e/test_serve.py."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pie.config.config import AuthConfig, Config, DriverConfig, ModelConfig, ServerConfig
from pie.config.home import Home
from pie.errors import ServerError
from pie.server import Server
from pie_cli.main import app
from pie_cli.serve import HINT_NO_USERS, banner, log_to, overridden


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["serve", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_line_wins_over_the_file() -> None:
    config = overridden(Config(), host="0.0.0.0", port=0, no_auth=True, debug=True)
    assert config == Config(server=ServerConfig(host="0.0.0.0", port=0, verbose=True), auth=AuthConfig(enabled=False))


def test_what_the_command_line_does_not_say_stays_as_in_the_file() -> None:
    config = Config(server=ServerConfig(host="::1", port=9, verbose=True), auth=AuthConfig(enabled=False))
    assert overridden(config, host=None, port=None, no_auth=False, debug=False) == config


def test_the_banner_names_address_models_and_who_may_come_in(tmp_path: Path) -> None:
    models = (ModelConfig("one", "pie-tiny"), ModelConfig("two", "x", DriverConfig(type="dummy")))
    text = "\n".join(banner(Server(Config(server=ServerConfig(port=80), models=models), Home(tmp_path)), users=1))
    for part in ("ws://127.0.0.1:80", "one", "torch", "two", "dummy", "cpu", "on, 1 user "):
        assert part in text
    assert HINT_NO_USERS not in text


def test_with_nobody_to_let_in_it_is_said_how_to_add_somebody(tmp_path: Path) -> None:
    assert banner(Server(home=Home(tmp_path)), users=0)[-1] == HINT_NO_USERS
    open_to_all = Server(Config(auth=AuthConfig(enabled=False)), Home(tmp_path))
    assert "off: whoever reaches the address" in "\n".join(banner(open_to_all, users=0))


def test_no_authentication_needs_loopback_or_two_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIE_HOME", str(tmp_path))
    code, _, err = run("--no-auth", "--host", "0.0.0.0", "--port", "0")
    assert (code, err.count("\n")) == (1, 1)
    assert "can be reached by others" in err
    assert "--allow-anyone" in err
    assert run("--allow-anyone")[0] == 2


def test_what_is_wrong_with_the_configuration_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIE_HOME", str(tmp_path))
    assert run("-c", str(tmp_path / "none.toml"))[2] == f"pie: {tmp_path}/none.toml: there is no such file\n"
    (tmp_path / "config.toml").write_text('[server]\ntls_cert = "cert.pem"\n')
    assert "go together" in run()[2]


def test_files_of_users_that_others_may_read_are_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIE_HOME", str(tmp_path))
    (tmp_path / "authorized_users.toml").write_text("")
    (tmp_path / "authorized_users.toml").chmod(0o644)
    code, _, err = run("--port", "0")
    assert code == 1
    assert "chmod 600" in err


def test_a_monitor_needs_a_terminal_and_a_place_for_the_log(tmp_path: Path) -> None:
    assert run("-m")[0] == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerError, match="the log cannot be written"):
        log_to(Home(tmp_path / "file"), verbose=False)
