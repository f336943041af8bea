"""`wasi:sockets`: present, so that components that import them load, and refused.

No socket can be made and no name resolved, so the methods of sockets and address streams exist only to be linked.
"""

from collections.abc import Iterable, Mapping
from typing import NoReturn

from pie.sandbox.interface import GuestFault, GuestTrap, HostFunction, Interface
from pie.wasi.poll import Pollable
from pie.wasi.streams import InputStream, IoError, OutputStream
from pie.wasi.version import versioned


class Network:
    """The resource `network`: the right to use one. It opens nothing."""


class TcpSocket:
    """The resource `tcp-socket`. There is never one."""


class UdpSocket:
    """The resource `udp-socket`. There is never one."""


class IncomingDatagrams:
    """The resource `incoming-datagram-stream`. There is never one."""


class OutgoingDatagrams:
    """The resource `outgoing-datagram-stream`. There is never one."""


class ResolvedAddresses:
    """The resource `resolve-address-stream`. There is never one."""


def instance_network(_: object) -> Network:
    return Network()


def network_error_code(_: object, error: IoError) -> None:
    """No stream error comes from the network."""


def refuse(*_: object) -> NoReturn:
    """Answers the attempt with access-denied."""
    raise GuestFault("access-denied")


def impossible(*_: object) -> NoReturn:
    """Stands for a method of a thing that no guest can have."""
    raise GuestTrap("there are no sockets in this sandbox")


def _methods(resource: str, names: Iterable[str]) -> Mapping[str, HostFunction]:
    return {f"[method]{resource}.{name}": impossible for name in names}


_SOCKET = (
    "start-bind",
    "finish-bind",
    "local-address",
    "remote-address",
    "address-family",
    "receive-buffer-size",
    "set-receive-buffer-size",
    "send-buffer-size",
    "set-send-buffer-size",
    "subscribe",
)
_TCP = (
    "start-connect",
    "finish-connect",
    "start-listen",
    "finish-listen",
    "accept",
    "is-listening",
    "set-listen-backlog-size",
    "keep-alive-enabled",
    "set-keep-alive-enabled",
    "keep-alive-idle-time",
    "set-keep-alive-idle-time",
    "keep-alive-interval",
    "set-keep-alive-interval",
    "keep-alive-count",
    "set-keep-alive-count",
    "hop-limit",
    "set-hop-limit",
    "shutdown",
)
_UDP = ("stream", "unicast-hop-limit", "set-unicast-hop-limit")

NETWORK = Interface(
    name=versioned("wasi:sockets/network"),
    functions={"network-error-code": network_error_code},
    resources={"network": Network, "error": IoError},
)
INSTANCE_NETWORK = Interface(
    name=versioned("wasi:sockets/instance-network"),
    functions={"instance-network": instance_network},
    resources={"network": Network},
)
TCP = Interface(
    name=versioned("wasi:sockets/tcp"),
    functions=_methods("tcp-socket", (*_SOCKET, *_TCP)),
    resources={
        "tcp-socket": TcpSocket,
        "network": Network,
        "pollable": Pollable,
        "input-stream": InputStream,
        "output-stream": OutputStream,
    },
)
TCP_CREATE_SOCKET = Interface(
    name=versioned("wasi:sockets/tcp-create-socket"),
    functions={"create-tcp-socket": refuse},
    resources={"tcp-socket": TcpSocket, "network": Network},
)
UDP = Interface(
    name=versioned("wasi:sockets/udp"),
    functions={
        **_methods("udp-socket", (*_SOCKET, *_UDP)),
        **_methods("incoming-datagram-stream", ("receive", "subscribe")),
        **_methods("outgoing-datagram-stream", ("check-send", "send", "subscribe")),
    },
    resources={
        "udp-socket": UdpSocket,
        "incoming-datagram-stream": IncomingDatagrams,
        "outgoing-datagram-stream": OutgoingDatagrams,
        "network": Network,
        "pollable": Pollable,
    },
)
UDP_CREATE_SOCKET = Interface(
    name=versioned("wasi:sockets/udp-create-socket"),
    functions={"create-udp-socket": refuse},
    resources={"udp-socket": UdpSocket, "network": Network},
)
IP_NAME_LOOKUP = Interface(
    name=versioned("wasi:sockets/ip-name-lookup"),
    functions={
        "resolve-addresses": refuse,
        **_methods("resolve-address-stream", ("resolve-next-address", "subscribe")),
    },
    resources={"resolve-address-stream": ResolvedAddresses, "network": Network, "pollable": Pollable},
)

SOCKETS = (NETWORK, INSTANCE_NETWORK, TCP, TCP_CREATE_SOCKET, UDP, UDP_CREATE_SOCKET, IP_NAME_LOOKUP)
