"""Ports on the loopback, and who listens at them."""

import random
import socket

import pytest

from pie_deploy.controller.free_ports import free_ports, require_free
from pie_deploy.errors import LauncherError
from pie_deploy.limits import PORT_FIRST, PORT_LAST


def test_ports_are_distinct_free_and_not_among_those_that_are_taken() -> None:
    chance = random.Random(0)
    first = free_ports(3, (), chance)
    second = free_ports(3, first, random.Random(0))
    assert len({*first, *second}) == 6
    require_free([*first, *second])


def test_there_may_be_too_few() -> None:
    with pytest.raises(LauncherError, match="no 1 ports are free"):
        free_ports(1, range(PORT_FIRST, PORT_LAST + 1), random.Random(0))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_somebody_listens_at_is_taken(host: str) -> None:
    with socket.create_server((host, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LauncherError, match=f"port {port} was taken by another program"):
            require_free([port])


def test_a_port_whose_last_connections_are_still_closing_is_free_for_who_had_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address):
            server.accept()[0].close()  # who closes first waits for late packets
    require_free([address[1]])
