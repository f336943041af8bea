"""What a plan consists of. An action leaves no choice open, and doing it twice is harmless."""

from dataclasses import dataclass

from pie_deploy.domain.records import Container, Deployment


@dataclass(frozen=True, slots=True)
class Record:
    """Write down what was decided about a deployment, in one transaction; nothing of it if a row is not as it was any more."""

    before: Deployment
    after: Deployment
    containers: tuple[tuple[Container, Container], ...] = ()
    """Before and after, where they differ."""
    deleted: tuple[str, ...] = ()
    """Containers of generations that are over."""


@dataclass(frozen=True, slots=True)
class AssignPorts:
    """Find a free loopback port for each endpoint of a command, and write them down."""

    container_id: str
    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the environment and the folders."""

    container_id: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Start:
    container_id: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class SendGo:
    """Tell a container in standby to connect its outputs and to serve."""

    container_id: str


@dataclass(frozen=True, slots=True)
class PushConfig:
    """Send the mutable values as they are at that entry of the log."""

    container_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Kill:
    """End a process at once that has hung while starting; it then counts as crashed."""

    container_id: str


@dataclass(frozen=True, slots=True)
class Stop:
    """SIGTERM, and SIGKILL after the grace."""

    container_id: str


@dataclass(frozen=True, slots=True)
class SaveGenerated:
    """Turn what a stopped container generated into files."""

    container_id: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Let the launcher forget a stopped container, its folders included."""

    container_id: str


Effect = AssignPorts | Prepare | Start | SendGo | PushConfig | Kill | Stop | SaveGenerated | Remove
Action = Record | Effect
