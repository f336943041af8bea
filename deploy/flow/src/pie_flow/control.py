"""What a container and the control plane say to each other: msgpack structs, one per ZeroMQ message.

The control plane binds a ROUTER, a container connects a DEALER and says `Hello` first, again after every silence that may mean a
new
control plane. A container starts in two steps, so that a redeploy can prepare new containers while the old ones serve:

    Hello → Step("imported") → Step("configured") → Step("standby")     module loaded, configuration read, `run()` reached, sockets
    bound
    Go    → Step("connected") → Ready                                     edges connected both ways, endpoints listening
"""

from typing import Literal

import msgspec

StartStep = Literal["imported", "configured", "standby", "connected"]

PULSE_S = 1.0
"""A container says `Pulse` this often."""


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    pass


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    container_id: str
    incarnation: str
    """Made by the process when it starts: tells a restarted process from a reconnected one."""
    secret: str
    pid: int
    step: StartStep | Literal["started", "ready"]
    """How far it has come; "started" the first time."""
    config_seq: int


class Step(_Message, frozen=True, kw_only=True, tag="step"):
    step: StartStep


class Ready(_Message, frozen=True, kw_only=True, tag="ready"):
    pass


class Refused(_Message, frozen=True, kw_only=True, tag="refused"):
    """A precondition does not hold, or an edge cannot be made: starting again would not help."""

    reason: Literal["precondition", "transport"]
    message: str


class ConfigApplied(_Message, frozen=True, kw_only=True, tag="config-applied"):
    seq: int
    errors: dict[str, str] = {}
    """By parameter or file slot: the hook raised, the container keeps the old value."""


class EdgeCounters(_Message, frozen=True, kw_only=True, tag="edge"):
    position: int
    consumer: int = 0
    """Which of the output's edges; 0 for inputs."""
    messages: int
    size_bytes: int
    waiting: int
    """Messages in the queue now."""
    lost: int
    """Messages known to be lost when the peer restarted."""


class Pulse(_Message, frozen=True, kw_only=True, tag="pulse"):
    ticks: int
    """Invocations of the component's function so far."""
    failures: int
    """Of those, how many raised."""
    inputs: tuple[EdgeCounters, ...] = ()
    outputs: tuple[EdgeCounters, ...] = ()
    dropped_subscribers: int = 0
    """Readers of egress endpoints that read too slowly."""
    refused_requests: int = 0
    """Answered 503, because a bound was reached."""


class Go(_Message, frozen=True, kw_only=True, tag="go"):
    pass


class SetConfig(_Message, frozen=True, kw_only=True, tag="set-config"):
    """New values of mutable parameters and files; applied between two invocations, then `ConfigApplied`."""

    seq: int
    parameters: dict[str, str] = {}
    files: dict[str, str] = {}


class Welcome(_Message, frozen=True, kw_only=True, tag="welcome"):
    """Answers `Hello`."""


FromContainer = Hello | Step | Ready | Refused | ConfigApplied | Pulse
ToContainer = Welcome | Go | SetConfig
