"""Settings of the command line."""

from pathlib import Path

import pytest

from pie_client import ListedProcess
from pie_client_cli import settings
from pie_client_cli.processes import age, table
from pie_client_cli.settings import Settings


@pytest.mark.parametrize(
    ("host", "uri"),
    [
        ("127.0.0.1", "ws://127.0.0.1:8080"),
        ("::1", "ws://[::1]:8080"),
        ("wss://pie.example.com/v1/ws", "wss://pie.example.com/v1/ws"),
    ],
)
def test_a_host_becomes_an_address(host: str, uri: str) -> None:
    assert Settings(host=host).uri == uri


def test_the_file_is_found_by_the_environment() -> None:
    assert settings.default_path({"PIE_CLI_HOME": "/x"}, Path("/home/me")) == Path("/x/cli_config.toml")
    assert settings.default_path({}, Path("/home/me")) == Path("/home/me/.pie/cli_config.toml")


def test_what_is_written_is_read_again() -> None:
    written = settings.written(Settings(host='a "b"', username="é\n"))
    assert settings.parsed(written, Path("x")) == Settings(host='a "b"', username="é\n")


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(settings.getpass, "getuser", nobody)
    assert Settings().user.startswith("user-")


def test_a_key_of_ssh_is_used_if_nobody_else_can_read_it(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    for name, mode in (("id_ed25519", 0o644), ("id_rsa", 0o600)):
        (tmp_path / ".ssh" / name).touch(mode=mode)
        (tmp_path / ".ssh" / name).chmod(mode)
    assert settings.key_path(Settings(), tmp_path) == tmp_path / ".ssh/id_rsa"
    assert settings.key_path(Settings(enable_auth=False), tmp_path) is None


@pytest.mark.parametrize(("elapsed_s", "text"), [(-1, "0s"), (59.9, "59s"), (200, "3m20s"), (18600, "5h10m"), (183_600, "2d3h")])
def test_ages_are_short(elapsed_s: float, text: str) -> None:
    assert age(elapsed_s) == text


def test_an_input_cannot_steer_the_terminal() -> None:
    listed = ListedProcess(id="0" * 36, username="x", program="p@1.0.0", input="\x1b[2J{}", elapsed_secs=1)
    assert table([listed], full=False)[1].endswith("\ufffd[2J{}")
