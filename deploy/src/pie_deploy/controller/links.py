"""What containers say to this control plane: who they are, how far they have come, how they are. No I/O.

Only a `Hello` with the container's secret makes a peer known, as that container, in place of the peer that was it before; what
others say is counted and dropped.
"""

import hmac
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pie_deploy.domain.observation import Link, Refusal
from pie_deploy.limits import CONTROL_MESSAGE_CHARACTERS_MAX
from pie_deploy.ports.control import Peer
from pie_flow.control import ConfigApplied, FromContainer, Go, Hello, Pulse, Ready, Refused, SetConfig, Step, ToContainer, Welcome


@dataclass(frozen=True, slots=True)
class LinkStatistics:
    known: int
    """Containers that have said hello."""
    dropped: int
    """Messages of strangers."""


class Links:
    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self._links: dict[str, Link] = {}
        self._peers: dict[str, Peer] = {}
        self._names: dict[Peer, str] = {}
        self._over: dict[str, str] = {}
        self._pulses: dict[str, Pulse] = {}
        self._counts: Counter[str] = Counter()

    def admit(self, secrets: Mapping[str, str]) -> None:
        """Who may speak: secret by container id. All others are forgotten."""
        for container_id in [known for known in self._links if known not in secrets]:
            self._drop(container_id)
        for container_id in [known for known in self._over if known not in secrets]:
            del self._over[container_id]
        self._secrets = dict(secrets)

    def of(self, container_id: str) -> Link | None:
        return self._links.get(container_id)

    def pulse(self, container_id: str) -> Pulse | None:
        """What it last said about its work."""
        return self._pulses.get(container_id)

    def forget(self, container_id: str) -> None:
        """Its process is over: what that one still says counts no more."""
        link = self._links.get(container_id)
        if link is not None:
            self._over[container_id] = link.incarnation
        self._drop(container_id)

    def heard(self, peer: Peer, message: FromContainer) -> str | None:
        """Take in a message. Returns the container's id if there is news about it."""
        if isinstance(message, Hello):
            return self._hello(peer, message)
        container_id = self._names.get(peer)
        if container_id is None:
            self._counts["dropped"] += 1
            return None
        if isinstance(message, Pulse):
            self._pulses[container_id] = message
            return None
        self._links[container_id] = _told(self._links[container_id], message)
        return container_id

    def send(self, container_id: str, message: ToContainer) -> bool:
        """Whether there is somebody to send it to."""
        peer = self._peers.get(container_id)
        if peer is None:
            return False
        peer.send(message)
        link = self._links[container_id]
        if isinstance(message, Go):
            self._links[container_id] = replace(link, went=True)
        elif isinstance(message, SetConfig):
            self._links[container_id] = replace(link, pushed_seq=message.seq)
        return True

    def statistics(self) -> LinkStatistics:
        return LinkStatistics(known=len(self._links), dropped=self._counts["dropped"])

    def _hello(self, peer: Peer, hello: Hello) -> str | None:
        secret = self._secrets.get(hello.container_id)
        is_known = secret is not None and hmac.compare_digest(secret.encode(), hello.secret.encode())
        if not is_known or self._over.get(hello.container_id) == hello.incarnation:
            self._counts["dropped"] += 1
            return None
        former, former_peer = self._links.get(hello.container_id), self._peers.get(hello.container_id)
        link = Link(incarnation=hello.incarnation, step=hello.step, config_seq=hello.config_seq)
        if former is not None and former.incarnation == hello.incarnation:
            link = _said_again(former, hello, is_connected=former_peer == peer)
        if former_peer != peer:
            self._drop(hello.container_id)
            self._peers[hello.container_id] = peer
            self._names[peer] = hello.container_id
        self._links[hello.container_id] = link
        peer.send(Welcome())
        return hello.container_id if link != former else None

    def _drop(self, container_id: str) -> None:
        self._links.pop(container_id, None)
        self._pulses.pop(container_id, None)
        peer = self._peers.pop(container_id, None)
        if peer is not None:
            self._names.pop(peer, None)


def _said_again(former: Link, hello: Hello, *, is_connected: bool) -> Link:
    """Of a process that is known. What was sent over a connection that is no more may be lost; over one that holds, only a `Go` is
    doubted, because it must not be missed and may be sent twice.
    """
    link = replace(former, step=hello.step, config_seq=max(hello.config_seq, former.config_seq))
    link = replace(link, went=former.went and hello.step != "standby")
    return link if is_connected else replace(link, pushed_seq=0)


def _told(link: Link, message: Step | Ready | Refused | ConfigApplied) -> Link:
    match message:
        case Step(step=step):
            return replace(link, step=step)
        case Ready():
            return replace(link, step="ready")
        case Refused(reason=reason, message=text):
            return replace(link, refusal=Refusal(reason=reason, message=text[:CONTROL_MESSAGE_CHARACTERS_MAX]))
        case ConfigApplied(seq=seq, errors=errors):
            shown = "; ".join(f"{name}: {error}" for name, error in sorted(errors.items()))
            return replace(link, config_seq=max(seq, link.config_seq), config_errors=shown[:CONTROL_MESSAGE_CHARACTERS_MAX])
