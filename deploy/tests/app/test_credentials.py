import hashlib
from pathlib import Path

import pytest

from pie_deploy.app.credentials import authenticate, local_credential, own_name
from pie_deploy.config import Config, Home, UserConfig
from pie_deploy.errors import StorageError, UnauthenticatedError


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_the_local_key_is_made_once(tmp_path: Path) -> None:
    key = local_credential(Home(tmp_path))
    assert len(key) > 40
    assert local_credential(Home(tmp_path)) == key


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    local_credential(Home(tmp_path))
    assert Home(tmp_path).credential.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_no_key(tmp_path: Path) -> None:
    Home(tmp_path).credential.write_text("\n")
    assert len(local_credential(Home(tmp_path))) > 40


def test_a_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    Home(tmp_path).credential.write_bytes(b"\xff")
    with pytest.raises(StorageError, match="credential: cannot be read"):
        local_credential(Home(tmp_path))


def test_a_key_is_who_it_belongs_to() -> None:
    config = Config(users={"ann": UserConfig(keys=(digest("a"), digest("b"))), "bob": UserConfig(keys=(digest("c"),))})
    actor_of = authenticate(config, "local")
    assert [actor_of(key).name for key in ("a", "b", "c", "local")] == ["ann", "ann", "bob", own_name()]


@pytest.mark.parametrize("key", [None, "", "x", "A", digest("a"), "a" * 10_000, "\udcff"], ids=range(7))
def test_what_is_nobodys_key_is_refused(key: str | None) -> None:
    actor_of = authenticate(Config(users={"ann": UserConfig(keys=(digest("a"),))}), "local")
    with pytest.raises(UnauthenticatedError):
        actor_of(key)
