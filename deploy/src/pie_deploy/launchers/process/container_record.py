"""What the supervisor writes down of each container, so that its successor knows what ran when it was killed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pie_deploy.launchers.process.messages import ContainerReport

_FILE = "process.json"


class ContainerRecord(msgspec.Struct, frozen=True, kw_only=True):
    runtime_id: str
    report: ContainerReport
    start_ticks: int | None = None
    """Of the main process: with its pid it names the process for ever."""


def write_record(containers: Path, record: ContainerRecord) -> None:
    """Replaces the container's record in one step. Raises OSError."""
    path = containers / record.report.container_id / _FILE
    aside = path.with_suffix(".new")
    aside.write_bytes(msgspec.json.encode(record))
    aside.replace(path)


def delete_record(containers: Path, container_id: str) -> None:
    with contextlib.suppress(OSError):
        (containers / container_id / _FILE).unlink()


def read_record(containers: Path, container_id: str) -> ContainerRecord | None:
    """None when there is none that can be read."""
    try:
        return msgspec.json.decode((containers / container_id / _FILE).read_bytes(), type=ContainerRecord)
    except (OSError, msgspec.DecodeError):
        return None


def read_records(containers: Path) -> Iterator[ContainerRecord]:
    """Of all runtimes."""
    try:
        names = sorted(path.name for path in containers.iterdir())
    except FileNotFoundError:
        return
    for name in names:
        record = read_record(containers, name)
        if record is not None and record.report.container_id == name:
            yield record
