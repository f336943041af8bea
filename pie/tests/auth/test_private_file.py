import os
import threading
from pathlib import Path

import pytest

from pie.auth import private_file
from pie.auth.private_file import Watched
from pie.errors import CredentialsError


def test_what_was_written_is_read_and_only_the_owner_may(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    private_file.write(path, "täxt")
    assert private_file.read(path) == "täxt"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_empty(tmp_path: Path) -> None:
    assert private_file.read(tmp_path / "none") == ""


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602, 0o610])
def test_a_file_that_others_may_use_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "users.toml"
    private_file.write(path, "")
    path.chmod(mode)
    with pytest.raises(CredentialsError, match=f"chmod 600 {path}"):
        private_file.read(path)


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    for attempt in (lambda: private_file.write(in_the_way / "x", ""), lambda: private_file.locked(in_the_way / "x").__enter__()):
        with pytest.raises(CredentialsError, match="cannot be written"):
            attempt()
    with pytest.raises(CredentialsError, match="cannot be read"):
        private_file.read(in_the_way / "x")
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "binary").chmod(0o600)
    with pytest.raises(CredentialsError, match="UTF-8"):
        private_file.read(tmp_path / "binary")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "users.toml"
    private_file.write(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CredentialsError, match="No space left"):
        private_file.write(path, "new")
    assert private_file.read(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_loses_what_another_wrote_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "count"

    def count() -> None:
        for _ in range(20):
            with private_file.locked(path):
                private_file.write(path, str(int(private_file.read(path) or 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert private_file.read(path) == "80"


def test_a_watched_file_is_parsed_once_per_change(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    parsed: list[str] = []

    def parse(text: str) -> str:
        parsed.append(text)
        return text

    watched = Watched(path, parse)
    assert [watched.get(), watched.get()] == ["", ""]
    private_file.write(path, "one")
    assert [watched.get(), watched.get()] == ["one", "one"]
    path.unlink()
    assert watched.get() == ""
    assert parsed == ["", "one", ""]


def test_a_changed_mode_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    private_file.write(path, "one")
    watched = Watched(path, str)
    assert watched.get() == "one"
    path.chmod(0o644)
    with pytest.raises(CredentialsError):
        watched.get()
    path.chmod(0o600)
    assert watched.get() == "one"
