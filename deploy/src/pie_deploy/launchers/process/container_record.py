"""What the supervisor writes down of each container, so that its successor knows what ran when it was killed."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pie_deploy.launchers.process.messages import ContainerReport
from pie_deploy.launchers.process.small_file import read_small_file

_FILE = "process.json"
_logger = logging.getLogger(__name__)


class ContainerRecord(msgspec.Struct, frozen=True, kw_only=True):
    runtime_id: str
    report: ContainerReport
    start_ticks: int | None = None
    """Of the main process: with its pid it names the process for ever."""


class Journal:
    """Writes the records of one runtime's containers."""

    def __init__(self, containers: Path, runtime_id: str) -> None:
        self._containers = containers
        self._runtime_id = runtime_id

    def write(self, report: ContainerReport, start_ticks: int | None = None) -> None:
        """A disk that refuses is no reason to stop anything: what is missing is only how a container ended."""
        try:
            write_record(self._containers, ContainerRecord(runtime_id=self._runtime_id, report=report, start_ticks=start_ticks))
        except OSError as error:
            _logger.warning("container %s: its record cannot be written: %s", report.container_id, error)

    def delete(self, container_id: str) -> None:
        delete_record(self._containers, container_id)


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
        return msgspec.json.decode(read_small_file(containers / container_id / _FILE), type=ContainerRecord)
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
