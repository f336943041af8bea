from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pie_deploy.config import Home
from pie_deploy.errors import StorageError
from pie_deploy.services import mac_key


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    home = Home(tmp_path)
    key = mac_key.load(home)
    assert len(key) == 32
    assert mac_key.load(home) == key
    assert home.mac_key.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [home.mac_key]


def test_two_that_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: mac_key.load(Home(tmp_path)), range(8)))) == 1


def test_a_key_that_is_none_is_told_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mac-key").write_bytes(b"short")
    with pytest.raises(StorageError, match="not a key"):
        mac_key.load(Home(tmp_path))


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        mac_key.load(Home(tmp_path / "missing"))
