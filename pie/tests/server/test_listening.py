import errno
import socket
from pathlib import Path

import pytest

from pie.config.config import ServerConfig
from pie.errors import ConfigError, ServerError
from pie.server.listening import check_certificate, listen, url
from server_fakes.certificates import certificate


def test_a_free_port_is_found() -> None:
    with listen("127.0.0.1", 0) as bound:
        assert bound.getsockname()[1] > 0


def test_a_taken_port_is_said_with_what_helps() -> None:
    with listen("127.0.0.1", 0) as bound, pytest.raises(ServerError, match=r"port \d+ on 127.0.0.1 is taken.*--port"):
        listen("127.0.0.1", bound.getsockname()[1])


def test_an_address_of_another_machine_is_said_with_what_helps() -> None:
    with pytest.raises(ServerError, match="--host"):
        listen("192.0.2.1", 0)


def test_a_name_that_is_none_is_said() -> None:
    with pytest.raises(ServerError, match="cannot listen on no"):
        listen("no.such.host.invalid", 0)


def test_a_port_that_needs_rights_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(socket.socket, "bind", refused)
    with pytest.raises(ServerError, match="1023"):
        listen("127.0.0.1", 80)


def test_urls_are_those_that_clients_on_this_machine_can_use() -> None:
    assert url("ws", "0.0.0.0", 80) == "ws://127.0.0.1:80"
    assert url("wss", "::", 80) == "wss://[::1]:80"
    assert url("http", "pie.lan", 80) == "http://pie.lan:80"


def test_a_certificate_and_its_key_are_good_and_none_are_too(tmp_path: Path) -> None:
    check_certificate(certificate(tmp_path))
    check_certificate(ServerConfig())


def test_half_of_a_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="go together"):
        check_certificate(ServerConfig(tls_cert=certificate(tmp_path).tls_cert))


def test_files_that_are_no_pair_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = certificate(tmp_path), certificate(tmp_path / "other")
    for cert, key in [(one.tls_cert, other.tls_key), (one.tls_key, one.tls_cert)]:
        with pytest.raises(ServerError, match="unencrypted private key"):
            check_certificate(ServerConfig(tls_cert=cert, tls_key=key))
    with pytest.raises(ServerError, match="no such file"):
        check_certificate(ServerConfig(tls_cert=one.tls_cert, tls_key=str(tmp_path / "none")))


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="unencrypted"):
        check_certificate(certificate(tmp_path, b"secret"))
