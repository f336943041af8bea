from pathlib import Path

import pytest

from pie_deploy.errors import StorageError
from pie_deploy.store import open_store


@pytest.mark.parametrize(
    ("url", "problem"),
    [("mysql://x/y", "not mysql"), ("sqlite://", "a platform in memory"), ("postgresql+nonsense://x/y", "pie-deploy")],
    ids=["mysql", "memory", "driver"],
)
def test_a_database_that_is_none_of_ours_is_told(url: str, problem: str) -> None:
    with pytest.raises(StorageError, match=problem):
        open_store(url)


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StorageError, match="cannot be used"):
        open_store("postgresql://nobody@127.0.0.1:9/x?connect_timeout=5")


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path / 'new' / 'platform.db'}").close()
    assert (tmp_path / "new" / "platform.db").stat().st_mode & 0o077 == 0
