"""What the launcher and its supervisor say to each other over a unix socket.

Frames are a length (four bytes, big-endian) and a msgpack struct. The launcher says `Hello` first, the supervisor answers
`Welcome`; these two never change their meaning, so that a new control plane can tell an old supervisor from a broken one. Then the
launcher asks (`id` counts up) and each question gets one answer with its id, in any order; `Changed` comes unasked.
"""

from typing import Literal

import msgspec

PROTOCOL_VERSION = 2


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _Message(_Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class Launch(_Struct, frozen=True, kw_only=True):
    """Everything that the supervisor needs to start one process. The launcher has decided it all."""

    container_id: str
    deployment_id: str
    incarnation: int
    argv: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    """Working folder."""
    cpu: float
    cpu_max: float | None = None
    memory_bytes: int
    processes_max: int
    log_bytes_max: int
    is_sandboxed: bool = False
    """The argv begins with bwrap: it reports a signal as 128 + number, and is not the one to be told to end."""


class ContainerReport(_Struct, frozen=True, kw_only=True):
    """`ports.launcher.ObservedContainer`, as it travels and as it is kept on disk."""

    container_id: str
    deployment_id: str
    state: Literal["running", "exited"]
    incarnation: int
    pid: int | None
    started_at_ns: int
    exit_code: int | None = None
    exited_at_ns: int | None = None
    reason: str = ""


# --- From the launcher -----------------------------------------------------------------------------------------------


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    version: int


class Start(_Message, frozen=True, kw_only=True, tag="start"):
    id: int
    launch: Launch


class Stop(_Message, frozen=True, kw_only=True, tag="stop"):
    """Answered when no process of the container is left."""

    id: int
    container_id: str
    grace_s: float


class StopAll(_Message, frozen=True, kw_only=True, tag="stop-all"):
    id: int
    grace_s: float


class Forget(_Message, frozen=True, kw_only=True, tag="forget"):
    id: int
    container_id: str


class Observe(_Message, frozen=True, kw_only=True, tag="observe"):
    id: int


class Attend(_Message, frozen=True, kw_only=True, tag="attend"):
    """This control plane looks after the containers; without one for that long, they are to be stopped."""

    id: int
    orphan_grace_s: float


class End(_Message, frozen=True, kw_only=True, tag="end"):
    """Stop whatever still runs, at once, and end."""

    id: int


# --- From the supervisor ---------------------------------------------------------------------------------------------


class Welcome(_Message, frozen=True, kw_only=True, tag="welcome"):
    version: int
    pid: int


class Done(_Message, frozen=True, kw_only=True, tag="done"):
    id: int


class Failed(_Message, frozen=True, kw_only=True, tag="failed"):
    id: int
    message: str


class Observed(_Message, frozen=True, kw_only=True, tag="observed"):
    id: int
    containers: tuple[ContainerReport, ...]


class Changed(_Message, frozen=True, kw_only=True, tag="changed"):
    container_id: str


Request = Start | Stop | StopAll | Forget | Observe | Attend | End
FromLauncher = Hello | Request
Answer = Done | Failed | Observed
FromSupervisor = Welcome | Answer | Changed
