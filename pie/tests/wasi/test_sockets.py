import pytest

from pie.sandbox.interface import GuestFault, GuestTrap
from pie.wasi import sockets
from pie.wasi.streams import IoError


@pytest.mark.parametrize(
    "interface, function, arguments",
    [
        (sockets.TCP_CREATE_SOCKET, "create-tcp-socket", ["ipv4"]),
        (sockets.UDP_CREATE_SOCKET, "create-udp-socket", ["ipv6"]),
        (sockets.IP_NAME_LOOKUP, "resolve-addresses", [sockets.Network(), "example.com"]),
    ],
)
def test_every_attempt_is_refused(interface, function, arguments):
    with pytest.raises(GuestFault) as caught:
        interface.functions[function](None, *arguments)
    assert caught.value.payload == "access-denied"


def test_methods_of_sockets_are_there_but_cannot_be_reached():
    with pytest.raises(GuestTrap, match="no sockets"):
        sockets.TCP.functions["[method]tcp-socket.start-connect"](None, None, None, None)


def test_there_is_a_network_that_opens_nothing():
    assert isinstance(sockets.instance_network(None), sockets.Network)
    assert sockets.network_error_code(None, IoError("disk")) is None
