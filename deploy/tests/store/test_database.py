from pathlib import Path

import pytest

from pie_deploy.errors import StorageError
from pie_deploy.store import open_store
from pie_deploy.store.database import Database


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "must be sqlite"),
        ("mysql://x/y", "not mysql"),
        ("sqlite://", "forget everything"),
        ("sqlite:///:memory:", "forget everything"),
        ("postgresql+nonsense://x/y", "postgresql://"),
    ],
    ids=["nonsense", "mysql", "memory", "named memory", "driver"],
)
def test_a_database_that_is_none_of_ours_is_told(url: str, problem: str) -> None:
    with pytest.raises(StorageError, match=problem):
        Database(url)


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StorageError, match="cannot be used"):
        open_store("postgresql://nobody@127.0.0.1:9/x?connect_timeout=5")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    path.write_text("not a database, but long enough to be looked at as if it were one" * 20)
    with pytest.raises(StorageError, match="not a database"):
        open_store(f"sqlite:///{path}")


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'platform.db'}")


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path / 'new' / 'platform.db'}").close()
    assert (tmp_path / "new" / "platform.db").stat().st_mode & 0o077 == 0


def test_sqlite_commits_are_durable_and_readers_do_not_wait(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'platform.db'}")
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    database.close()


def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path) -> None:
    """SQLite's own limit of pages stands for the disk: the same error comes from it."""
    database = Database(f"sqlite:///{tmp_path / 'platform.db'}")
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES ('kept')")
    with pytest.raises(StorageError, match="full"), database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 4")
        connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(1000000))")
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT x FROM t").scalars().all() == ["kept"]
    database.close()
