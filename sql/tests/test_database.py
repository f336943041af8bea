from pathlib import Path

import pytest

from pie_sql import Database, Use


class BrokenError(Exception):
    """What this test's store raises."""


USE = Use(
    what="ledger",
    error=BrokenError,
    example_path="/var/lib/ledger.db",
    postgresql_needs="ledger[postgresql]",
    connections_max=24,
    lock_timeout_s=30,
)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "must be sqlite"),
        ("mysql://x/y", "not mysql"),
        ("sqlite://", "a ledger in memory would forget everything; give a path: sqlite:////var/lib/ledger.db"),
        ("sqlite:///:memory:", "forget everything"),
        ("postgresql+nonsense://x/y", r"ledger\[postgresql\]"),
    ],
    ids=["nonsense", "mysql", "memory", "named memory", "driver"],
)
def test_a_database_that_is_none_of_ours_is_told(url: str, problem: str) -> None:
    with pytest.raises(BrokenError, match=problem):
        Database(url, USE)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_server_that_is_not_there_is_told(scheme: str) -> None:
    database = Database(f"{scheme}://nobody@127.0.0.1:9/x?connect_timeout=5", USE)
    with pytest.raises(BrokenError, match="cannot be used"), database.reading():
        pass


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("not a database, but long enough to be looked at as if it were one" * 20)
    with pytest.raises(BrokenError, match="not a database"):
        Database(f"sqlite:///{path}", USE)


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokenError, match="file"):
        Database(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}", USE)


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'new' / 'ledger.db'}", USE)
    assert (tmp_path / "new" / "ledger.db").stat().st_mode & 0o077 == 0


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}", USE)
    with database.preparing() as connection:
        connection.exec_driver_sql("CREATE TABLE owners (name TEXT PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE things (x TEXT, owner TEXT REFERENCES owners (name))")
    return database


def things(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.exec_driver_sql("SELECT x FROM things").scalars())


def test_sqlite_commits_are_durable_rules_hold_and_readers_do_not_wait(database: Database) -> None:
    with database.reading() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "foreign_keys", "journal_mode")
        }
    assert settings == {"synchronous": 2, "foreign_keys": 1, "journal_mode": "wal"}


def test_who_reads_sees_what_was_there_when_the_reading_began(database: Database) -> None:
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT x FROM things").all() == []
        with database.writing() as other:
            other.exec_driver_sql("INSERT INTO things (x) VALUES ('new')")
        assert connection.exec_driver_sql("SELECT x FROM things").all() == []
    assert things(database) == ["new"]


def test_what_fails_in_the_middle_has_written_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO things (x) VALUES ('half')")
        raise ZeroDivisionError
    assert things(database) == []


def test_a_full_disk_is_told_and_what_was_there_stays(database: Database) -> None:
    """SQLite's own limit of pages stands for the disk: the same error comes from it."""
    with database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO things (x) VALUES ('kept')")
    with pytest.raises(BrokenError, match="full"), database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 4")
        connection.exec_driver_sql("INSERT INTO things (x) VALUES (zeroblob(1000000))")
    assert things(database) == ["kept"]


def test_a_writer_that_would_wait_for_itself_is_a_bug(database: Database) -> None:
    with pytest.raises(AssertionError), database.writing(), database.writing():
        pass
