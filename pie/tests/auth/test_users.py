from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pie.auth import users
from pie.auth.users import User
from pie.errors import CredentialsError, InvalidArgumentError, KeyRefusedError, UserNotFoundError


def line() -> str:
    return Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


KEY = line()


def test_users_survive_the_way_through_the_file(tmp_path: Path) -> None:
    path = tmp_path / "home" / "users.toml"
    users.change(path, lambda known: users.with_key(known, "alice", "2026-11-21-10:00:00", KEY))
    users.change(path, lambda known: users.with_user(known, "bob.b@x", operator=True))
    assert users.load(path) == {"alice": User(keys={"2026-11-21-10:00:00": KEY}), "bob.b@x": User(operator=True)}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_of_pie_04_is_understood() -> None:
    assert users.parse(f'[users.alice.keys]\nlaptop = "{KEY}"\n') == {"alice": User(keys={"laptop": KEY})}


def test_a_key_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    with pytest.raises(KeyRefusedError):
        users.change(path, lambda known: users.with_key(known, "alice", "laptop", "ssh-ed25519 nonsense"))
    assert not path.exists()


def test_a_second_key_of_a_name_is_refused() -> None:
    known = users.with_key({}, "alice", "laptop", KEY)
    with pytest.raises(InvalidArgumentError, match="has a key 'laptop' already"):
        users.with_key(known, "alice", "laptop", line())


def test_an_operator_stays_one_until_told_otherwise() -> None:
    known = users.with_user({}, "alice", operator=True)
    assert users.with_key(known, "alice", "laptop", KEY)["alice"].operator
    assert users.with_user(known, "alice")["alice"].operator
    assert not users.with_user(known, "alice", operator=False)["alice"].operator


def test_keys_and_users_are_removed_by_name() -> None:
    known = users.with_key(users.with_key({}, "alice", "one", KEY), "alice", "two", line())
    assert list(users.without_key(known, "alice", "one")["alice"].keys) == ["two"]
    assert users.without_user(known, "alice") == {}


def test_what_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(UserNotFoundError, match="pie auth add bob"):
        users.without_user({}, "bob")
    with pytest.raises(UserNotFoundError, match="no key 'x'"):
        users.without_key({"bob": User()}, "bob", "x")


@pytest.mark.parametrize("name", ["", "internal", ".", "..", "../x", "a/b", "a b", "a\nb", "x" * 65, "-rf", "ä", "\x00"])
def test_names_that_would_do_harm_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError):
        users.with_user({}, name)


@pytest.mark.parametrize("text", ["users = 3", "[users.a]\nkey = 1", "[users", "[users.a.keys]\nx = 1", "[user.a]"])
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(CredentialsError, match="damaged"):
        users.parse(text)
