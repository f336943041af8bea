"""What the controller sees of containers: the processes that a launcher reports, what containers say, and how its actions went."""

from dataclasses import dataclass
from typing import Literal

LinkStep = Literal["started", "imported", "configured", "standby", "connected", "ready"]
"""How far a container has come, by its own word (`pie_flow.control`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A container's process, alive or dead."""

    incarnation: int
    """How often it has been started, 1 for the first."""
    running: bool
    pid: int | None = None
    started_at_ns: int = 0
    exit_code: int | None = None
    reason: str = ""
    """Of an end that is not the program's own doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    reason: Literal["precondition", "transport"]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A container that has said hello to this control plane."""

    incarnation: str
    """Which process it is, by its own word."""
    step: LinkStep
    config_seq: int
    """The newest configuration that it has applied."""
    config_errors: str = ""
    """What its hook raised for it."""
    pushed_seq: int = 0
    """The newest configuration that was sent."""
    went: bool = False
    """`Go` was sent."""
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An action of the controller that did not work."""

    action: Literal["prepare", "start", "other"]
    incarnation: int
    """Which start of the container it belonged to."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that is seen of one container."""

    process: Process | None = None
    link: Link | None = None
    busy: bool = False
    """An action on it is under way."""
    preparing: bool = False
    """It is the preparation, which may take minutes and is broken off for whatever ends the container."""
    prepared: bool = False
    saved: bool = False
    """What it generated is saved."""
    removed: bool = False
    """Nothing of it is left at its launcher."""
    failure: Failure | None = None
    retry_at_ns: int = 0
    """After a failed action: when to try again."""


NOTHING = Seen()
"""Of a container that nobody has seen."""
