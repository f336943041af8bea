from pathlib import Path

import pytest

from pie.auth import api_keys
from pie.errors import CredentialsError, InvalidArgumentError, UserNotFoundError


def test_keys_are_long_random_and_easy_to_recognise() -> None:
    keys = {api_keys.generate() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("pie-") and len(key) > 40 for key in keys)


def test_only_the_hash_reaches_the_file(tmp_path: Path) -> None:
    path, key = tmp_path / "api_keys.toml", api_keys.generate()
    api_keys.change(path, lambda known: api_keys.with_key(known, "alice", "ci", key, "2026-11-21"))
    assert key not in path.read_text()
    assert api_keys.load(path)["alice"]["ci"].sha256 == api_keys.hash_of(key)
    assert path.stat().st_mode & 0o777 == 0o600


def test_names_are_unique_for_each_user() -> None:
    known = api_keys.with_key({}, "alice", "ci", "pie-1", "")
    api_keys.with_key(known, "bob", "ci", "pie-2", "")
    with pytest.raises(InvalidArgumentError, match="already"):
        api_keys.with_key(known, "alice", "ci", "pie-3", "")


def test_a_revoked_key_is_gone_and_only_that() -> None:
    known = api_keys.with_key(api_keys.with_key({}, "alice", "a", "pie-1", ""), "alice", "b", "pie-2", "")
    assert list(api_keys.without_key(known, "alice", "a")["alice"]) == ["b"]
    with pytest.raises(UserNotFoundError):
        api_keys.without_key(known, "alice", "c")


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(CredentialsError, match="damaged"):
        api_keys.parse("[users.alice.ci]\nhash = 1")
