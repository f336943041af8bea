"""What the gateway counts."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStatistics:
    endpoints: int
    """Forwarding tokens that are known."""
    links: int
    links_up: int
    requests_total: int
    requests_active: int
    sockets_total: int
    sockets_active: int
    answers: dict[str, int] = field(default_factory=dict)
    """By status class: `2xx`, …"""
    refusals: dict[str, int] = field(default_factory=dict)
    """Answers of the gateway itself, by code."""
    bytes_in: int
    bytes_out: int
    callers_gone: int
    """Who left before the answer was complete."""
    late_messages: int
    """Of containers, about requests that had ended."""
    bad_messages: int
    """Of containers, that break the protocol."""


class Counters:
    """What `GatewayStatistics` is made of, while it is counted."""

    def __init__(self) -> None:
        self.requests_total = 0
        self.requests_active = 0
        self.sockets_total = 0
        self.sockets_active = 0
        self.by_class = [0] * 6
        self.refusals: dict[str, int] = {}
        self.bytes_in = 0
        self.bytes_out = 0
        self.callers_gone = 0
        self.late_messages = 0
        self.bad_messages = 0

    def answered(self, status: int) -> None:
        self.by_class[status // 100] += 1

    def refused(self, code: str, status: int) -> None:
        self.refusals[code] = self.refusals.get(code, 0) + 1
        self.answered(status)

    def snapshot(self, *, endpoints: int, links: int, links_up: int) -> GatewayStatistics:
        return GatewayStatistics(
            endpoints=endpoints,
            links=links,
            links_up=links_up,
            requests_total=self.requests_total,
            requests_active=self.requests_active,
            sockets_total=self.sockets_total,
            sockets_active=self.sockets_active,
            answers={f"{number}xx": count for number, count in enumerate(self.by_class) if count},
            refusals=dict(self.refusals),
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            callers_gone=self.callers_gone,
            late_messages=self.late_messages,
            bad_messages=self.bad_messages,
        )
