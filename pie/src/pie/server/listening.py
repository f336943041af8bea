"""The socket that the server listens on, and its certificate. Both are tried before anything takes time."""

import errno
import socket
import ssl
from pathlib import Path

from pie.config.config import ServerConfig
from pie.errors import ConfigError, ServerError
from pie.limits import SERVER_BACKLOG


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections from now on; nobody takes them yet. Raises `ServerError`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServerError(f"cannot listen on {host}: {error.strerror}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(SERVER_BACKLOG)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise ServerError(_explained(host, port, error)) from error
    return bound


def url(scheme: str, host: str, port: int) -> str:
    """How clients on this machine call the server, wherever it listens."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"{scheme}://{f'[{reachable}]' if ':' in reachable else reachable}:{port}"


def check_certificate(config: ServerConfig) -> None:
    """Raises `ConfigError`, `ServerError` unless the configured certificate and key can be used, or none is configured."""
    if bool(config.tls_cert) != bool(config.tls_key):
        raise ConfigError("server.tls_cert and server.tls_key go together: the other one is missing")
    if not config.tls_cert:
        return
    for path in (config.tls_cert, config.tls_key):
        if not Path(path).is_file():
            raise ServerError(f"{path}: there is no such file")
    try:
        # An empty password, because OpenSSL would ask on the terminal for that of an encrypted key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_cert, config.tls_key, password="")
    except (OSError, ValueError) as error:
        problem = f"{config.tls_cert} and {config.tls_key} are no certificate and its unencrypted private key, both in PEM form"
        raise ServerError(problem) from error


def _explained(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program; choose one with --port, or 0 for any free one"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} is not allowed; choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; choose one with --host"
    return f"cannot listen on {host}:{port}: {error.strerror}"
