from pathlib import Path

import pytest

from pie_deploy.config import Config, Home, RuntimeConfig
from pie_deploy.config.file import load, parse
from pie_deploy.config.settings import ApiConfig
from pie_deploy.domain.role import Role
from pie_deploy.errors import InvalidArgumentError

HASH = "ab" * 32


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    config = load(Home(tmp_path))
    assert config == Config()
    assert config.runtimes == {"local": RuntimeConfig()}


def test_the_homes_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("api: {port: 1}\n")
    assert load(Home(tmp_path)).api == ApiConfig(port=1)


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"nothing\.yml: there is no such file"):
        load(Home(tmp_path), tmp_path / "nothing.yml")


def test_an_empty_file_is_the_default() -> None:
    assert parse("") == Config()
    assert parse("# nothing yet\n") == Config()


def test_a_whole_configuration_is_read() -> None:
    config = parse(
        "database: postgresql://pie@localhost/pie\n"
        "api: {port: 0}\n"
        "gateway: {port: 0, public_url: 'https://pie.example.org/x'}\n"
        "runtimes:\n  gpu: {labels: [cpu, gpu], cpu: 1.5, memory_mb: 512, gpu: 2, ceiling: 168h}\n"
        f"users:\n  alice: {{keys: [{HASH}]}}\n"
        "process: {isolation: bwrap, orphan_grace: 2m}\n"
        "limits: {connections: 10}\n"
    )
    assert config.runtimes["gpu"].memory_mb == 512
    assert config.users["alice"].keys == (HASH,)
    assert config.gateway.public_url == "https://pie.example.org/x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api: {port: eight}", "api.port: expected `int`, got `str`"),
        ("api: {port: 70000}", "api.port: expected `int` <= 65535"),
        ("api: {prt: 1}", "api.prt: unknown key"),
        ("ports: 1", "ports: unknown key"),
        ("[1]", "expected `object`, got `array`"),
        ("runtimes: {local: {cpu: 0}}", "runtimes.local.cpu: expected `float` > 0.0"),
        ("runtimes: {local: {launcher: podman}}", "runtimes.local.launcher: invalid enum value 'podman'"),
        ("runtimes: {local: {labels: [CPU]}}", "runtimes.local.labels[0]: expected `str` matching regex"),
        ("runtimes: {local: {ceiling: 3 days}}", "runtimes.local.ceiling: '3 days' is not a duration"),
        ("runtimes: {local: {crash_window: 0s}}", "runtimes.local.crash_window: 0s is no time at all"),
        ("process: {orphan_grace: soon}", "process.orphan_grace: 'soon' is not a duration"),
        ("runtimes: {Local: {}}", "runtimes: expected `str` matching regex"),
        ("users: {alice: {keys: [secret]}}", "users.alice.keys[0]: expected `str` matching regex"),
        ("users: {alice: {password: x}}", "users.alice.password: unknown key"),
        ("users: {alice: {role: admin}}", "users.alice.role: invalid enum value 'admin'"),
        (
            f"users: {{alice: {{keys: [{HASH}]}}, bob: {{role: viewer, keys: [{HASH}]}}}}",
            f"users.bob.keys: {HASH[:12]}… is a key of alice, too",
        ),
        ("database: mysql://x", "database: expected `str` matching regex"),
        ("gateway: {public_url: pie.example.org}", "gateway.public_url: expected `str` matching regex"),
        ("api: [", "did not find expected node content"),
        ("api: {port: 1}\napi: {port: 2}", "'api' stands twice"),
    ],
)
def test_a_bad_value_is_refused_with_its_key(text: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        parse(text)
    assert message in str(refused.value)


def test_users_have_the_role_that_is_said_and_else_the_one_that_they_always_had() -> None:
    users = parse("users: {alice: {}, bob: {role: agent}}").users
    assert (users["alice"].role, users["bob"].role) == (Role.OWNER, Role.AGENT)


def test_the_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("api: 1")
    with pytest.raises(InvalidArgumentError, match=f"^{path}: api: expected"):
        load(Home(tmp_path))
