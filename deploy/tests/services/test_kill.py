"""Nothing that was accepted is lost, and nothing that was not accepted is half there, when the process is killed."""

import subprocess
import sys
from pathlib import Path

import appending_child
import pytest
from blake3 import blake3
from service_platform import ALICE, service_platform

from pie_deploy.domain.head import Head
from pie_deploy.services.heads import log

ROUNDS = 6


@pytest.mark.slow
def test_what_was_accepted_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    platform = service_platform(tmp_path)
    platform.services.backends.create(ALICE, "words")
    platform.close()
    accepted: list[tuple[int, str]] = []
    for number in range(ROUNDS):
        accepted += _killed_after(tmp_path, lines=3 + 5 * number)
        _check(tmp_path, accepted)


def _killed_after(folder: Path, lines: int) -> list[tuple[int, str]]:
    """What the child said was accepted; it is killed in the middle of what comes after that many lines."""
    command = [sys.executable, appending_child.__file__, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        said += child.stdout.readlines()
    assert child.returncode == -9
    whole = [line.split() for line in said if line.endswith("\n")]
    return [(int(head), file_id) for head, file_id in whole]


def _check(folder: Path, accepted: list[tuple[int, str]]) -> None:
    platform = service_platform(folder)
    services = platform.services
    services.sweep()
    backend = services.backends.show(ALICE, "words").backend
    assert backend.head >= max(head for head, _ in accepted)
    assert backend.head % 2 == 0, "a batch is there whole or not at all"
    with platform.store.reading() as reading:
        records = list(log(reading, backend.id))
    assert [record.seq for record in records] == list(range(1, backend.head + 1))
    assert (
        Head.replay(records, lambda *_: pytest.fail("a log is replayed without looking anything up")).hash() == backend.graph_hash
    )
    files = {file.id: file for file in services.files.list(ALICE)}
    assert {file_id for _, file_id in accepted} <= files.keys()
    contents = {path.name for path in platform.home.blobs.iterdir() if path.is_file()}
    assert contents == {file.content_hash for file in files.values()}
    for file in files.values():
        assert blake3(services.files.path(file).read_bytes()).hexdigest() == file.content_hash
    platform.close()
