"""A whole server on a real socket, with the dummy driver; programs are Python functions."""

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from e2e import components
from msgspec.structs import replace
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from engine_fakes.dummy_engine import program
from pie.auth import api_keys, users
from pie.config.config import Config, LimitsConfig, ModelConfig, ServerConfig, TelemetryConfig
from pie.config.home import Home
from pie.errors import ConfigError, DrainingError, ModelNotFoundError, ServerError
from pie.host.guest import Guest
from pie.server import Server
from pie_client import InstallError, LoginError, NotConnectedError, ParsedPrivateKey, PieClient, RefusedError
from pie_client.reconnect import NEVER
from server_fakes.certificates import certificate
from server_fakes.serving import add_user, config_in, home_in

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PRIVATE = ParsedPrivateKey.parse(KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode())


async def forever(_: Guest) -> str:
    await asyncio.sleep(3600)
    return "never"


async def get(server: Server, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.http_url) as client:
        return await client.get(path, headers=headers)


async def test_an_embedded_server_serves_until_it_is_left(tmp_path: Path) -> None:
    async with Server(config_in(tmp_path), home_in(tmp_path)) as server:
        assert server.running
        assert server.url.startswith("ws://127.0.0.1:")
        client = await server.connect()
        await client.ping()
        assert (await client.status())["phase"] == "ready"
        await client.close()
    assert not server.running
    with pytest.raises(OSError):
        await PieClient(server.url, reconnect=NEVER).connect()


async def test_health_readiness_and_metrics_are_told_while_the_models_load(tmp_path: Path) -> None:
    server = Server(config_in(tmp_path), home_in(tmp_path))
    try:
        await server.open()
        assert [(await get(server, path)).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200, 503, 200]
        assert not server.running
        waiting = asyncio.create_task(server.connect())  # a client that comes early waits
        await server.load()
        await (await waiting).close()
        assert (await get(server, "/readyz")).json() == {"status": "ready"}
        assert 'pie_http_requests_total{route="/readyz",status="503"} 1.0' in (await get(server, "/metrics")).text
    finally:
        await server.close()


async def test_a_server_that_cannot_load_its_model_leaves_nothing_behind(tmp_path: Path) -> None:
    config = replace(config_in(tmp_path), models=(ModelConfig("m", str(tmp_path / "none")),))
    server = Server(config, home_in(tmp_path))
    with pytest.raises(ModelNotFoundError):
        async with server:
            pass
    with pytest.raises(httpx.ConnectError):
        await get(server, "/healthz")


async def test_two_servers_cannot_have_one_port(tmp_path: Path) -> None:
    async with Server(config_in(tmp_path), home_in(tmp_path)) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(ServerError, match="taken"):
            async with Server(config_in(tmp_path, server=ServerConfig(port=port)), home_in(tmp_path)):
                pass


async def test_without_authentication_only_loopback_is_served_unless_that_is_wanted(tmp_path: Path) -> None:
    config = config_in(tmp_path, server=ServerConfig(host="0.0.0.0", port=0))
    with pytest.raises(ConfigError, match="can be reached by others"):
        async with Server(config, home_in(tmp_path)):
            pass
    async with Server(config, home_in(tmp_path), allow_open=True) as server:
        assert (await get(server, "/readyz")).status_code == 200


async def test_web_pages_of_others_get_nowhere_without_authentication(tmp_path: Path) -> None:
    async with Server(config_in(tmp_path), home_in(tmp_path)) as server:
        assert (await get(server, "/v1/models", origin="http://evil.example")).status_code == 403
        assert (await get(server, "/v1/models", host="evil.example")).status_code == 403
        with pytest.raises(InvalidStatus) as refused:
            async with connect(server.url, origin="http://evil.example"):  # type: ignore[arg-type]
                pass
        assert refused.value.response.status_code == 403


async def test_a_user_who_is_added_while_the_server_runs_can_log_in_and_one_who_is_removed_cannot(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    async with Server(config_in(tmp_path, auth=True), home) as server, PieClient(server.url) as client:
        with pytest.raises(LoginError):
            await client.authenticate("alice", PRIVATE)
        add_user(home, "alice", PUBLIC)
        await client.authenticate("alice", PRIVATE)
        with pytest.raises(RefusedError, match="operators"):
            await client.status()
        users.change(home.users, lambda known: users.without_user(known, "alice"))
        with pytest.raises(RefusedError, match="removed"):
            await client.list_processes()
        async with PieClient(server.url) as second:
            with pytest.raises(LoginError):
                await second.authenticate("alice", PRIVATE)


async def test_api_keys_open_http_and_nothing_else_does(tmp_path: Path) -> None:
    home, key = home_in(tmp_path), api_keys.generate()
    async with Server(config_in(tmp_path, auth=True), home) as server:
        assert (await get(server, "/v1/models", authorization=f"Bearer {key}")).status_code == 401
        add_user(home, "alice", PUBLIC)
        api_keys.change(home.api_keys, lambda known: api_keys.with_key(known, "alice", "ci", key, ""))
        assert (await get(server, "/v1/models", authorization=f"Bearer {key}")).status_code == 200
        assert (await get(server, "/v1/models")).status_code == 401


async def test_a_stopping_server_lets_processes_finish_and_takes_nobody_new(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def gated(_: Guest) -> str:
        await gate.wait()
        return "finished"

    async with Server(config_in(tmp_path), home_in(tmp_path)) as server:
        launched = server.engine.launch(program(gated), "{}")
        stopping = asyncio.create_task(server.stop(grace_s=60))
        await asyncio.sleep(0)
        with pytest.raises(DrainingError):
            server.engine.launch(program(gated), "{}")
        with pytest.raises(httpx.ConnectError):
            await get(server, "/healthz")
        gate.set()
        assert (await launched.outcome()).value == "finished"
        await stopping


async def test_what_does_not_finish_in_time_is_ended_and_its_client_told(tmp_path: Path) -> None:
    async with Server(config_in(tmp_path), home_in(tmp_path)) as server:
        launched = server.engine.launch(program(forever), "{}")
        await server.stop(grace_s=0.01)
        assert launched.process.state == "terminated"
        assert (await launched.outcome()).kind == "error"


async def test_closing_ends_connections_without_waiting_for_anybody(tmp_path: Path) -> None:
    async with Server(config_in(tmp_path), home_in(tmp_path)) as server:
        client = PieClient(server.url, reconnect=NEVER)
        await client.connect()
        await client.authenticate("alice")
    with pytest.raises((NotConnectedError, ConnectionError)):
        await client.ping()
    await client.close()


async def test_draining_is_told_to_whoever_balances_load(tmp_path: Path) -> None:
    async with Server(config_in(tmp_path), home_in(tmp_path)) as server:
        client = await server.connect()
        await client.drain()
        assert (await get(server, "/readyz")).json() == {"status": "draining"}
        with pytest.raises(DrainingError):
            server.engine.launch(program(forever), "{}")
        await client.drain(False)
        assert (await get(server, "/readyz")).status_code == 200
        await client.close()


class File:
    """A configuration file that changes."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.problem = ""

    def __call__(self) -> Config:
        if self.problem:
            raise ConfigError(self.problem)
        return self.config


async def test_a_reload_changes_what_can_change_and_says_what(tmp_path: Path) -> None:
    config = config_in(tmp_path, limits=LimitsConfig(processes_per_user=1))
    file = File(config)
    async with Server(config, home_in(tmp_path), reread=file) as server:
        client = await server.connect()
        file.config = replace(config, limits=LimitsConfig(processes_per_user=2), server=ServerConfig(port=1, grace_s=3))
        assert await client.reload_config() == ["server.grace_s", "limits.processes_per_user"]
        assert server.config.server == replace(config.server, grace_s=3)
        for _ in range(2):
            server.engine.launch(program(forever), "{}")
        await client.close()


async def test_an_invalid_file_changes_nothing_and_the_server_goes_on(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    file = File(config)
    async with Server(config, home_in(tmp_path), reread=file) as server:
        client = await server.connect()
        file.problem = "limits.connections: must be a whole number >= 1"
        with pytest.raises(RefusedError, match=r"limits\.connections"):
            await client.reload_config()
        assert server.config == config
        await client.ping()
        await client.close()


async def test_with_a_certificate_everything_is_encrypted(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=tls.tls_cert)
    trust.check_hostname = False
    async with Server(config_in(tmp_path, server=tls), home_in(tmp_path)) as server:
        assert server.url.startswith("wss://")
        async with httpx.AsyncClient(base_url=server.http_url, verify=trust) as client:
            assert (await client.get("/v1/models")).status_code == 200
        async with connect(server.url, ssl=trust):
            pass


async def test_how_long_processes_took_is_measured_by_how_they_ended(tmp_path: Path) -> None:
    async with Server(config_in(tmp_path), home_in(tmp_path)) as server:
        launched = server.engine.launch(program(forever), "{}")
        launched.terminate()
        await launched.outcome()
        assert 'pie_process_seconds_count{state="terminated"} 1.0' in (await get(server, "/metrics")).text


async def test_a_home_that_cannot_be_written_stops_nobody_from_being_served(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with Server(config_in(tmp_path), Home(tmp_path / "file" / "home")) as server:
        assert (await get(server, "/readyz")).status_code == 200
        client = await server.connect()
        with pytest.raises(InstallError, match="Not a directory"):
            await client.install_program_bytes(components.echo(), '[package]\nname = "echo"\nversion = "1.0.0"\n')
        await client.ping()
        await client.close()


async def test_traces_of_requests_and_processes_reach_the_collector_before_the_server_is_gone(tmp_path: Path) -> None:
    received = b""

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        received += head + await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(collect, "127.0.0.1", 0) as collector:
        port = collector.sockets[0].getsockname()[1]
        telemetry = TelemetryConfig(enabled=True, endpoint=f"http://127.0.0.1:{port}", service_name="test-pie")
        async with Server(replace(config_in(tmp_path), telemetry=telemetry), home_in(tmp_path)) as server:
            await get(server, "/readyz")
            launched = server.engine.launch(program(forever), "{}")
            launched.terminate()
            await launched.outcome()
    assert received.startswith(b"POST /v1/traces ")
    for part in (b"test-pie", b"HTTP /readyz", b"process test@0.1.0", b"terminated"):
        assert part in received
