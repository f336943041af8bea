from pathlib import Path

import pytest

from bakery.errors import StoreError
from bakery.registry.database import Database
from bakery.registry.store import Store


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "must be sqlite"),
        ("mysql://x/y", "not mysql"),
        ("sqlite://", "forget everything"),
        ("sqlite:///:memory:", "forget everything"),
        ("postgresql+nonsense://x/y", r"postgresql\+psycopg://"),
    ],
)
def test_a_database_that_is_none_of_ours_is_told(url: str, problem: str) -> None:
    with pytest.raises(StoreError, match=problem):
        Database(url)


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Store(Database("postgresql+psycopg://nobody@127.0.0.1:9/x?connect_timeout=5")).check()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_text("not a database, but long enough to be looked at as if it were one" * 20)
    with pytest.raises(StoreError, match="not a database"):
        Database(f"sqlite:///{path}")


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        Database(f"sqlite:///{tmp_path / 'file' / 'registry.db'}")


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    Store(Database(f"sqlite:///{tmp_path / 'new' / 'registry.db'}")).create()
    assert (tmp_path / "new" / "registry.db").stat().st_mode & 0o077 == 0
