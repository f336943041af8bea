import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

from pie.auth import users
from pie.auth.credentials import Credentials
from pie.config.home import Home
from pie_cli.main import app


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PIE_HOME", str(tmp_path))
    return Home(tmp_path)


def line() -> str:
    return Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def run(*arguments: str, given: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["auth", *arguments], input=given)
    return result.exit_code, result.stdout, result.stderr


def test_a_key_from_stdin_lets_its_user_in(home: Home) -> None:
    code, out, err = run("add", "alice", "laptop", given=line())
    assert (code, err) == (0, "")
    assert out.startswith("✓ user alice: added key 'laptop' (Ed25519, SHA256:")
    assert Credentials(home, enabled=True).keys_of("alice")
    assert home.users.stat().st_mode & 0o777 == 0o600


def test_a_key_from_a_file(home: Home, tmp_path: Path) -> None:
    (tmp_path / "id.pub").write_text(line())
    assert run("add", "alice", "--key-file", str(tmp_path / "id.pub"))[0] == 0
    assert len(users.load(home.users)["alice"].keys) == 1


def test_an_empty_stdin_adds_a_user_without_keys(home: Home) -> None:
    assert run("add", "alice")[:2] == (0, "✓ user alice: 0 keys\n")
    assert Credentials(home, enabled=True).keys_of("alice") == ()


def test_a_user_may_be_made_an_operator_and_stop_being_one(home: Home) -> None:
    run("add", "alice", "--operator")
    assert Credentials(home, enabled=True).is_operator("alice")
    run("add", "alice", "--no-operator")
    assert not Credentials(home, enabled=True).is_operator("alice")


def test_a_private_key_is_refused_and_nothing_is_written(home: Home) -> None:
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    code, out, err = run("add", "alice", given=private)
    assert (code, out) == (1, "")
    assert "private key" in err
    assert not home.users.exists()


def test_a_missing_or_empty_key_file_is_an_error(tmp_path: Path) -> None:
    assert "cannot be read" in run("add", "alice", "--key-file", str(tmp_path / "none"))[2]
    (tmp_path / "empty").write_text("")
    assert "is empty" in run("add", "alice", "--key-file", str(tmp_path / "empty"))[2]


def test_the_list_shows_users_keys_and_roles() -> None:
    run("add", "alice", "laptop", "--operator", given=line())
    run("add", "bob")
    _, out, _ = run("list")
    assert out.splitlines()[0] == "alice (operator)"
    assert out.splitlines()[1].startswith("  laptop  Ed25519, SHA256:")
    listed = json.loads(run("list", "--json")[1])
    assert [(user["user"], user["operator"], len(user["keys"])) for user in listed] == [("alice", True, 1), ("bob", False, 0)]


def test_an_empty_list_says_how_to_add() -> None:
    assert run("list") == (0, "", "no users; add one with: pie auth add USER < ~/.ssh/id_ed25519.pub\n")


def test_a_key_is_removed_alone_and_a_user_with_everything(home: Home) -> None:
    run("add", "alice", "one", given=line())
    run("add", "alice", "two", given=line())
    key = run("api-key", "create", "alice", "ci")[1].strip()
    assert run("remove", "alice", "one")[0] == 0
    assert list(users.load(home.users)["alice"].keys) == ["two"]
    assert run("remove", "alice")[0] == 0
    assert users.load(home.users) == {}
    run("add", "alice")
    assert Credentials(home, enabled=True).user_of_api_key(key) is None


def test_what_is_not_there_cannot_be_removed() -> None:
    code, _, err = run("remove", "alice")
    assert (code, err) == (1, "pie: there is no user 'alice'; add one with: pie auth add alice\n")


def test_an_api_key_is_shown_once_and_works_until_it_is_revoked(home: Home) -> None:
    run("add", "alice")
    code, out, err = run("api-key", "create", "alice", "ci")
    assert code == 0
    assert "cannot be shown again" in err
    key = out.strip()
    assert Credentials(home, enabled=True).user_of_api_key(key) == "alice"
    assert key not in run("api-key", "list")[1]
    assert json.loads(run("api-key", "list", "--json")[1])[0]["name"] == "ci"
    assert run("api-key", "revoke", "alice", "ci")[0] == 0
    assert Credentials(home, enabled=True).user_of_api_key(key) is None


def test_an_api_key_needs_a_user() -> None:
    assert run("api-key", "create", "nobody")[0] == 1


def test_a_home_that_cannot_be_written_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PIE_HOME", str(tmp_path / "file"))
    code, _, err = run("add", "alice")
    assert code == 1
    assert err.startswith("pie: ")
    assert err.count("\n") == 1


def test_concurrent_commands_lose_nothing(home: Home) -> None:
    script = "from pie_cli.main import main; main()"
    children = [
        subprocess.Popen([sys.executable, "-c", script, "auth", "add", f"user{index}"], stdin=subprocess.DEVNULL)
        for index in range(4)
    ]
    assert [child.wait(120) for child in children] == [0] * 4
    assert len(users.load(home.users)) == 4


def test_a_closed_stdin_is_an_empty_one(home: Home) -> None:
    command = f"exec '{sys.executable}' -c 'from pie_cli.main import main; main()' auth add alice <&-"
    assert subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, timeout=120).returncode == 0
    assert "alice" in users.load(home.users)
