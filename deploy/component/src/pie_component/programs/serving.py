"""How a program gets the endpoints that its spec asks for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pie_component.async_thread import AsyncThread
from pie_component.container import Container

if TYPE_CHECKING:
    from pie_component.endpoints.server import EndpointServer


def server_maker(container: Container, async_thread: AsyncThread) -> "Callable[[], EndpointServer] | None":
    """What listens for the gateway; None: there are no endpoints, and what they need is not imported."""
    if container.spec.endpoint_address is None or not container.spec.endpoints:
        return None
    from pie_component.endpoints.assembly import make_server

    return lambda: make_server(container, async_thread)
