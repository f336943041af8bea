"""A running server answers from what the files say now."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pie.auth import api_keys, private_file, users
from pie.auth.credentials import Credentials
from pie.config.home import Home
from pie.errors import CredentialsError


def line(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_users_come_and_go_without_a_restart(home: Home) -> None:
    credentials, key = Credentials(home, enabled=True), Ed25519PrivateKey.generate()
    assert credentials.keys_of("alice") is None
    users.change(home.users, lambda known: users.with_key(known, "alice", "laptop", line(key)))
    keys = credentials.keys_of("alice")
    assert keys is not None
    assert keys[0].verify(b"challenge", key.sign(b"challenge"))
    users.change(home.users, lambda known: users.without_user(known, "alice"))
    assert credentials.keys_of("alice") is None


def test_a_user_without_keys_is_known(home: Home) -> None:
    users.change(home.users, lambda known: users.with_user(known, "alice"))
    assert Credentials(home, enabled=True).keys_of("alice") == ()


def test_an_api_key_is_good_while_it_stands_in_the_file_and_its_user_is_known(home: Home) -> None:
    credentials, key = Credentials(home, enabled=True), api_keys.generate()
    api_keys.change(home.api_keys, lambda known: api_keys.with_key(known, "alice", "ci", key, ""))
    assert credentials.user_of_api_key(key) is None
    users.change(home.users, lambda known: users.with_user(known, "alice"))
    assert credentials.user_of_api_key(key) == "alice"
    assert credentials.user_of_api_key(key + "x") is None
    assert credentials.user_of_api_key("\ud800") is None
    api_keys.change(home.api_keys, lambda known: api_keys.without_key(known, "alice", "ci"))
    assert credentials.user_of_api_key(key) is None


def test_operators_are_those_of_the_file_and_the_server_itself(home: Home) -> None:
    users.change(home.users, lambda known: users.with_user(users.with_user(known, "alice", operator=True), "bob"))
    credentials = Credentials(home, enabled=True)
    assert [credentials.is_operator(name) for name in ("alice", "bob", "carol", "internal")] == [True, False, False, True]


def test_without_authentication_everybody_may_and_nothing_is_read(home: Home) -> None:
    home.users.write_text("damaged")
    credentials = Credentials(home, enabled=False)
    assert credentials.is_operator("anybody")
    assert credentials.user_of_api_key("anything") == "local"
    assert credentials.check() == 0


def test_a_file_that_others_may_read_lets_nobody_in_until_that_is_repaired(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    users.change(home.users, lambda known: users.with_user(known, "alice"))
    credentials = Credentials(home, enabled=True)
    home.users.chmod(0o644)
    assert [credentials.keys_of("alice"), credentials.keys_of("alice")] == [None, None]
    assert caplog.text.count("chmod 600") == 1
    home.users.chmod(0o600)
    assert credentials.keys_of("alice") == ()


def test_a_server_does_not_start_on_files_that_it_cannot_use(home: Home) -> None:
    private_file.write(home.api_keys, "damaged")
    with pytest.raises(CredentialsError, match="API keys"):
        Credentials(home, enabled=True).check()


def test_a_bad_key_written_by_hand_does_not_lock_out_the_good_ones(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    good = line(Ed25519PrivateKey.generate())
    private_file.write(home.users, f'[users.alice.keys]\ngood = "{good}"\nbad = "ssh-rsa x"\n')
    keys = Credentials(home, enabled=True).keys_of("alice")
    assert keys is not None
    assert [key.kind for key in keys] == ["Ed25519"]
    assert "the key 'bad' of alice is left out" in caplog.text


def test_who_is_in_may_go_on_until_the_user_is_removed(home: Home) -> None:
    credentials = Credentials(home, enabled=True)
    users.change(home.users, lambda known: users.with_user(known, "alice"))
    assert credentials.knows("alice")
    home.users.chmod(0o644)
    assert credentials.knows("alice")
    home.users.chmod(0o600)
    users.change(home.users, lambda known: users.without_user(known, "alice"))
    assert not credentials.knows("alice")
    assert credentials.knows("internal")
    assert Credentials(home, enabled=False).knows("alice")


def test_nobody_becomes_internal_by_the_file(home: Home) -> None:
    private_file.write(home.users, "[users.internal]\n")
    assert Credentials(home, enabled=True).keys_of("internal") is None
