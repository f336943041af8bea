from pathlib import Path

import pytest

from bakery.errors import StoreError
from bakery.registry.database import open_database
from bakery.registry.store import Store


@pytest.mark.parametrize(
    ("url", "problem"),
    [("mysql://x/y", "not mysql"), ("sqlite://", "a registry in memory"), ("postgresql+nonsense://x/y", r"bakery\[registry\]")],
    ids=["mysql", "memory", "driver"],
)
def test_a_database_that_is_none_of_ours_is_told(url: str, problem: str) -> None:
    with pytest.raises(StoreError, match=problem):
        open_database(url)


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Store(open_database("postgresql+psycopg://nobody@127.0.0.1:9/x?connect_timeout=5")).check()


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    Store(open_database(f"sqlite:///{tmp_path / 'new' / 'registry.db'}")).create()
    assert (tmp_path / "new" / "registry.db").stat().st_mode & 0o077 == 0
