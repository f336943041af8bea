"""The registry behind a port: uvicorn, with the bounds that it does not set by itself."""

import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from bakery.errors import StoreError
from bakery.limits import BODY_IDLE_S, CONNECTIONS_MAX, HEAD_BYTES_MAX, REQUEST_BEGIN_S
from pie_http.protocols import ConnectionLimits, bounded

_BACKLOG = 128
_KEEP_ALIVE_S = 20
_GRACE_S = 10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen. tls_cert, tls_key: PEM files; empty: plain HTTP. behind_proxy: a local proxy's `X-Forwarded-For` counts."""

    host: str = "127.0.0.1"
    port: int = 8090
    tls_cert: str = ""
    tls_key: str = ""
    behind_proxy: bool = False

    @property
    def scheme(self) -> str:
        return "https" if self.tls_cert else "http"


def listen(endpoint: Endpoint) -> socket.socket:
    """A socket that takes connections; they wait until `serve`. Raises `StoreError` if address or certificate cannot be used."""
    if endpoint.tls_cert:
        _check_certificate(endpoint)
    try:
        family = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((endpoint.host, endpoint.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise StoreError(f"cannot listen on {endpoint.host}:{endpoint.port}: {error.strerror or error}") from error


def _check_certificate(endpoint: Endpoint) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(endpoint.tls_cert, endpoint.tls_key)
    except OSError as error:
        raise StoreError(f"{endpoint.tls_cert} and {endpoint.tls_key} are no certificate with its key: {error.strerror}") from error


def url_of(endpoint: Endpoint, listening: socket.socket) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{endpoint.scheme}://{host}:{listening.getsockname()[1]}"


class Server(uvicorn.Server):
    """Ends on SIGINT and SIGTERM, with `_GRACE_S` for requests under way, and at once when told twice.

    Being told to stop is no error; uvicorn itself would raise the signal again at the end.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def server(app: Any, endpoint: Endpoint) -> Server:
    http, _ = bounded(ConnectionLimits(CONNECTIONS_MAX, REQUEST_BEGIN_S, BODY_IDLE_S, HEAD_BYTES_MAX))
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=endpoint.behind_proxy,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=endpoint.tls_cert or None,
        ssl_keyfile=endpoint.tls_key or None,
    )
    return Server(config)


def serve(app: Any, endpoint: Endpoint, listening: socket.socket) -> None:
    """Serves until told to stop."""
    server(app, endpoint).run(sockets=[listening])
