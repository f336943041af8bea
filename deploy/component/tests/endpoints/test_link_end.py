"""How the link ends."""

import tempfile
import threading

import zmq

from pie_component.endpoints.link import GatewaySocket


def test_a_closed_link_does_not_hold_up_the_end_of_its_context() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with tempfile.TemporaryDirectory(prefix="pie-", dir="/tmp") as folder:
        GatewaySocket(context, f"ipc://{folder}/link").close(linger_ms=0)
        end = threading.Thread(target=context.term, daemon=True)
        end.start()
        end.join(30)
    assert not end.is_alive()
