"""The commands, against a real server in a thread."""

import asyncio
import json
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bakery.main import app
from bakery.registry.application import Application
from bakery.registry.server import Endpoint, listen, server, url_of

INFERLETS = Path(__file__).parents[4] / "inferlets"
PATIENCE_S = 60
COMPONENT = b"\0asm\x0d\0\x01\0"
MANIFEST = """\
[package]
name = "toast"
version = "{version}"
description = "Toasts."

[parameters]
slices = {{ type = "int", optional = true, description = "How many." }}
"""


@dataclass
class Cli:
    """bakery with a home of its own, and the registry that it talks to."""

    registry: Application
    url: str
    home: Path

    def run(self, *arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    def token(self, user: str, *, admin: bool = False) -> str:
        return self.registry.accounts.issue(user, time.time(), administrator=admin)

    def login(self, user: str, *, admin: bool = False) -> None:
        done = self.run("login", "--registry", self.url, stdin=self.token(user, admin=admin) + "\n")
        assert done.exit_code == 0, done.output

    def publish(self, folder: Path, version: str = "1.0.0", *more: str) -> Result:
        path, manifest = component(folder, version)
        return self.run("publish", "--path", str(path), "--manifest", str(manifest), *more)


def component(folder: Path, version: str = "1.0.0") -> tuple[Path, Path]:
    """The smallest program: it exports `run`, an instance that is not there."""
    name = b"pie:inferlet/run@0.1.0"
    content = b"\x01\x00" + bytes([len(name)]) + name + b"\x05\x00\x00"
    (folder / "toast.wasm").write_bytes(COMPONENT + bytes([11, len(content)]) + content)
    (folder / "Pie.toml").write_text(MANIFEST.format(version=version))
    return folder / "toast.wasm", folder / "Pie.toml"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    monkeypatch.setenv("BAKERY_HOME", str(tmp_path / "home"))
    for name in ("BAKERY_REGISTRY", "BAKERY_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    application = Application(f"sqlite:///{tmp_path / 'registry.db'}", str(tmp_path / "artifacts"))
    endpoint = Endpoint(port=0)
    listening = listen(endpoint)
    running = server(application.asgi, endpoint)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])))
    thread.start()
    yield Cli(application, url_of(endpoint, listening), tmp_path / "home")
    running.should_exit = True
    thread.join(PATIENCE_S)


def test_the_test_component_is_a_program(tmp_path: Path) -> None:
    from bakery.component import check_program

    check_program(component(tmp_path)[0].read_bytes())


def test_login_checks_the_token_and_keeps_it_for_its_owner_only(cli: Cli) -> None:
    done = cli.run("login", "--registry", f"{cli.url}/", stdin=cli.token("alice"))
    assert (done.exit_code, done.stderr) == (0, f"logged in to {cli.url} as alice\n")
    assert stat.S_IMODE((cli.home / "config.toml").stat().st_mode) == 0o600


def test_login_takes_the_token_as_an_option_too(cli: Cli) -> None:
    done = cli.run("login", "--registry", cli.url, "--token", cli.token("root", admin=True))
    assert "as root (administrator)" in done.stderr


@pytest.mark.parametrize("token", ["bakery_wrong", "", "a b", "x" * 300, "\x1b[2J"])
def test_a_token_that_is_none_is_not_kept(cli: Cli, token: str) -> None:
    done = cli.run("login", "--registry", cli.url, stdin=token)
    assert (done.exit_code, done.stderr[:7]) == (1, "Error: ")
    assert not (cli.home / "config.toml").exists()


def test_after_logout_the_token_is_gone(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    assert cli.run("logout").exit_code == 0
    assert "token" not in (cli.home / "config.toml").read_text()
    assert cli.run("logout", "--registry", cli.url).exit_code == 1


def test_without_a_registry_one_is_asked_for(cli: Cli) -> None:
    done = cli.run("search")
    assert (done.exit_code, "which registry?" in done.stderr) == (1, True)


def test_the_environment_names_a_registry(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKERY_REGISTRY", cli.url)
    assert cli.run("search").stderr == "nothing found\n"


def test_publishing_needs_a_login(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKERY_REGISTRY", cli.url)
    done = cli.publish(tmp_path)
    assert (done.exit_code, f"bakery login --registry {cli.url}" in done.stderr) == (1, True)


def test_a_program_is_published_found_and_shown(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    published = cli.publish(tmp_path)
    assert (published.exit_code, published.stdout) == (0, "toast@1.0.0\n"), published.output
    assert "toast  1.0.0    0          Toasts." in cli.run("search", "toa").stdout
    shown = cli.run("info", "toast").stdout
    assert "by alice" in shown
    assert "slices     int   optional  How many." in shown


def test_json_is_for_programs(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    published = json.loads(cli.publish(tmp_path, "1.0.0", "--json").stdout)
    assert (published["registry"], published["name"], published["version"]) == (cli.url, "toast", "1.0.0")
    assert json.loads(cli.run("search", "--json").stdout)["items"][0]["latest_version"] == "1.0.0"
    info = json.loads(cli.run("info", "toast", "--json").stdout)
    assert info["versions"][0]["checksum"] == published["checksum"]


def test_the_older_form_says_the_same(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    path, manifest = component(tmp_path)
    assert cli.run("inferlet", "publish", "--path", str(path), "--manifest", str(manifest)).exit_code == 0
    for command in ("search", "info"):
        assert cli.run("inferlet", command, "toast").stdout == cli.run(command, "toast").stdout


def test_a_version_is_published_once(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    cli.publish(tmp_path)
    again = cli.publish(tmp_path)
    assert (again.exit_code, again.stderr[:25]) == (1, "Error: toast@1.0.0 exists")


def test_a_scoped_name_is_the_users_own(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    assert cli.publish(tmp_path, "1.0.0", "--scoped").stdout == "alice/toast@1.0.0\n"
    assert cli.run("info", "alice/toast").exit_code == 0


def test_yanking_and_undoing_it(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    cli.publish(tmp_path)
    assert cli.run("yank", "toast@1.0.0").stderr == "toast@1.0.0 is yanked\n"
    assert cli.run("search").stdout == ""
    assert "yanked" in cli.run("info", "toast").stdout
    assert json.loads(cli.run("yank", "toast@1.0.0", "--undo", "--json").stdout)["yanked"] is False
    assert "toast" in cli.run("search").stdout


@pytest.mark.parametrize("target", ["toast", "toast@", "@1.0.0", "toast@latest"])
def test_yanking_names_a_version(cli: Cli, target: str) -> None:
    assert cli.run("yank", target, "--registry", cli.url).exit_code == 1


def test_a_token_that_was_revoked_is_told(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    cli.registry.accounts.revoke(1, time.time())
    done = cli.publish(tmp_path)
    assert (done.exit_code, "refuses the token" in done.stderr) == (1, True)


def test_what_is_not_there_is_told(cli: Cli) -> None:
    done = cli.run("info", "toast", "--registry", cli.url)
    assert (done.exit_code, done.stderr) == (1, "Error: no program `toast`\n")


def test_what_is_no_program_is_not_sent(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    path, manifest = component(tmp_path)
    path.write_bytes(COMPONENT)
    done = cli.run("publish", "--path", str(path), "--manifest", str(manifest))
    assert (done.exit_code, "exports no pie:<name>/run" in done.stderr) == (1, True)


def test_a_readme_beside_the_manifest_goes_along(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    (tmp_path / "README.md").write_text("# Toast\n")
    cli.publish(tmp_path)
    assert cli.registry.store.program("toast").readme == "# Toast\n"


def test_a_readme_from_elsewhere_does_not(cli: Cli, tmp_path: Path) -> None:
    cli.login("alice")
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    path, manifest = component(folder)
    manifest.write_text(manifest.read_text().replace("[parameters]", 'readme = "../secret"\n[parameters]'))
    assert cli.run("publish", "-p", str(path), "-m", str(manifest)).exit_code == 0
    assert cli.registry.store.program("toast").readme == "../secret"


@pytest.mark.slow
def test_a_real_program_is_built_and_published(cli: Cli) -> None:
    cli.login("alice")
    published = cli.run("publish", str(INFERLETS / "text-completion"))
    assert published.exit_code == 0, published.output
    (version,) = cli.registry.store.program("text-completion").versions
    with cli.registry.artifacts.open(version.checksum) as file:
        assert len(file.read()) == version.size_bytes > 1e7


def test_nobody_there_is_told(cli: Cli) -> None:
    done = cli.run("search", "--registry", "http://127.0.0.1:9")
    assert (done.exit_code, "cannot be reached" in done.stderr) == (1, True)


def admin(cli: Cli, *arguments: str) -> Result:
    return cli.run("registry", *arguments, "--database", f"sqlite:///{cli.home.parent / 'registry.db'}")


def test_tokens_are_issued_listed_and_revoked(cli: Cli) -> None:
    token = admin(cli, "token", "bob", "--admin", "--expires", "3").stdout.strip()
    user = cli.registry.accounts.user_of(token, time.time())
    assert user is not None
    assert (user.login, user.is_administrator) == ("bob", True)
    (listed,) = json.loads(admin(cli, "token", "list", "--json").stdout)
    assert listed["expires_s"] - listed["created_s"] == pytest.approx(3 * 86_400)
    assert token not in admin(cli, "token", "list").stdout
    assert admin(cli, "token", "revoke", "1").exit_code == 0
    assert cli.registry.accounts.user_of(token, time.time()) is None
    assert "revoked" in admin(cli, "token", "list").stdout


@pytest.mark.parametrize("arguments", [("token", "Not A Name"), ("token", "revoke", "7")])
def test_what_cannot_be_done_with_tokens_is_told(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = admin(cli, *arguments)
    assert (done.exit_code, done.stderr[:7]) == (1, "Error: ")


def test_gc_says_what_it_removed(cli: Cli, tmp_path: Path) -> None:
    done = admin(cli, "gc", "--json", "--artifacts", str(tmp_path / "artifacts"))
    assert json.loads(done.stdout) == {"uploads": 0, "artifacts": 0, "freed_bytes": 0}


def test_the_environment_names_a_database(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKERY_DATABASE", f"sqlite:///{cli.home.parent / 'registry.db'}")
    token = cli.run("registry", "token", "bob").stdout.strip()
    assert cli.registry.accounts.user_of(token, time.time()) is not None


def test_a_certificate_needs_its_key(cli: Cli) -> None:
    assert cli.run("registry", "serve", "--tls-cert", "x.pem").exit_code == 2


def test_a_database_that_is_none_is_told(cli: Cli) -> None:
    done = cli.run("registry", "token", "list", "--database", "mysql://x/y")
    assert (done.exit_code, "SQLite or PostgreSQL" in done.stderr) == (1, True)
