"""A log that is written to while it is put away."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pie_deploy.app.log_rotation import LogRotation
from pie_deploy.limits import PLATFORM_LOG_BYTES_MAX

LARGE = PLATFORM_LOG_BYTES_MAX + 1


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "platform.log"


@pytest.fixture
def descriptor(log: Path) -> Iterator[int]:
    """As the shell, or `pie up`, opens it."""
    opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    yield opened
    os.close(opened)


def test_a_large_log_is_put_away_and_the_next_line_goes_to_a_new_one(log: Path, descriptor: int) -> None:
    rotation = LogRotation(log, (descriptor,))
    os.truncate(log, LARGE)
    rotation.turn()
    os.write(descriptor, b"next\n")
    assert log.read_bytes() == b"next\n"
    assert log.with_name("platform.log.1").stat().st_size == LARGE


def test_one_piece_before_it_is_kept(log: Path, descriptor: int) -> None:
    rotation = LogRotation(log, (descriptor,))
    for line in (b"first\n", b"second\n"):
        os.write(descriptor, line)
        os.truncate(log, LARGE)
        rotation.turn()
    assert log.with_name("platform.log.1").read_bytes().startswith(b"second\n")
    assert sorted(path.name for path in log.parent.iterdir()) == ["platform.log", "platform.log.1"]


def test_a_small_log_is_left(log: Path, descriptor: int) -> None:
    os.write(descriptor, b"line\n")
    LogRotation(log, (descriptor,)).turn()
    assert [path.name for path in log.parent.iterdir()] == ["platform.log"]


def test_what_leads_elsewhere_is_left_and_so_is_the_log_of_another(log: Path, tmp_path: Path) -> None:
    log.touch()
    os.truncate(log, LARGE)
    with (tmp_path / "terminal").open("wb") as terminal:
        LogRotation(log, (terminal.fileno(), 999)).turn()
    assert log.stat().st_size == LARGE


def test_a_folder_that_refuses_leaves_all_as_it_was(log: Path, descriptor: int) -> None:
    os.truncate(log, LARGE)
    log.with_name("platform.log.1").mkdir()
    (log.with_name("platform.log.1") / "file").touch()
    with pytest.raises(OSError):
        LogRotation(log, (descriptor,)).turn()
    os.write(descriptor, b"next\n")
    assert log.stat().st_size == LARGE + 5
