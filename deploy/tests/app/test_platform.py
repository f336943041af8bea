import asyncio
import contextlib
import socket

import httpx
import pytest
from msgspec.structs import replace
from platform_fakes import config_for_tests
from postgresql_server import postgresql_server

from pie_deploy.app import Platform
from pie_deploy.config import ApiConfig, GatewayConfig, Home, UserConfig
from pie_deploy.config.address import is_up, read_address
from pie_deploy.errors import AlreadyExistsError, StorageError, UnreachableError
from pie_deploy.launchers.fake import FakeLauncher
from pie_deploy.services.actor import PLATFORM


def client(platform: Platform, key: str | None = None) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {platform.credential if key is None else key}"}
    return httpx.AsyncClient(base_url=platform.api_url, headers=headers, timeout=30)


async def test_it_answers_once_it_has_started(platform: Platform) -> None:
    async with client(platform) as http:
        assert (await http.get("/readyz")).status_code == 200
        assert [row["name"] for row in (await http.get("/v1/runtimes")).json()["items"]] == ["local"]
        assert (await http.get(f"{platform.gateway_url}/f/guessed/")).status_code == 404


async def test_its_address_is_there_while_it_is_up(home: Home) -> None:
    async with Platform(home, config_for_tests()) as platform:
        address = read_address(home)
        assert (address.api_url, address.gateway_url) == (platform.api_url, platform.gateway_url)
    assert not home.address.exists()
    assert not is_up(home)


async def test_both_servers_listen_on_loopback_only(platform: Platform) -> None:
    for url in (platform.api_url, platform.gateway_url):
        assert httpx.URL(url).host == "127.0.0.1"


async def test_a_second_one_in_the_same_home_is_told_so(platform: Platform) -> None:
    with pytest.raises(AlreadyExistsError, match=f"already up in {platform.home.root}: API {platform.api_url}"):
        await Platform(platform.home, config_for_tests()).start()
    assert read_address(platform.home).api_url == platform.api_url


async def test_two_homes_have_platforms_of_their_own(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with Platform(Home(tmp_path_factory.mktemp("b")), config_for_tests()) as other:
        assert other.api_url != platform.api_url
        async with client(other, platform.credential) as http:
            assert (await http.get("/v1/backends")).status_code == 401


async def test_what_was_recorded_is_there_after_a_restart(home: Home) -> None:
    async with Platform(home, config_for_tests()) as platform:
        before = await asyncio.to_thread(platform.services.backends.create, PLATFORM, "words")
        key = platform.credential
    async with Platform(home, config_for_tests()) as platform:
        assert await asyncio.to_thread(platform.services.backends.list, PLATFORM) == [before]
        assert platform.credential == key


@pytest.mark.slow
async def test_a_database_server_keeps_the_records_if_it_is_asked_to(home: Home) -> None:
    with postgresql_server() as url:
        config = replace(config_for_tests(), database=url)
        async with Platform(home, config) as platform:
            before = await asyncio.to_thread(platform.services.backends.create, PLATFORM, "words")
        async with Platform(home, config) as platform:
            assert await asyncio.to_thread(platform.services.backends.list, PLATFORM) == [before]
    assert not home.database.exists()


async def test_it_can_be_started_again_after_a_port_was_taken(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = replace(config_for_tests(), api=ApiConfig(port=port))
        with pytest.raises(StorageError, match=f"the API cannot listen on 127.0.0.1:{port}"):
            await Platform(home, config).start()
    assert not is_up(home)
    async with Platform(home, config_for_tests()):
        assert is_up(home)


async def test_an_address_of_a_killed_one_is_gone_as_soon_as_the_next_one_starts(home: Home) -> None:
    home.create()
    home.address.write_text('{"api_url": "http://127.0.0.1:1", "gateway_url": "", "pid": 1, "started_at_ns": 1}')
    with pytest.raises(UnreachableError, match="killed"):
        read_address(home)
    async with Platform(home, config_for_tests()) as platform:
        assert read_address(home).api_url == platform.api_url


async def test_a_runtime_is_as_the_configuration_says_and_stays_locked(home: Home) -> None:
    async with Platform(home, config_for_tests()) as platform:
        runtimes = platform.services.runtimes
        before = await asyncio.to_thread(runtimes.lock, PLATFORM, "local")
    config = config_for_tests()
    runtime = replace(config.runtimes["local"], cpu=3.5, memory_mb=100, gpu=1, labels=("cpu", "fast"), ceiling="24h")
    async with Platform(home, replace(config, runtimes={"local": runtime})) as platform:
        row = await asyncio.to_thread(platform.services.runtimes.show, PLATFORM, "local")
    assert (row.id, row.locked, row.labels) == (before.id, True, ("cpu", "fast"))
    assert row.ceiling_ns == 24 * 3600 * 10**9
    assert [(node.id, node.cpu, node.memory_bytes, node.gpu) for node in row.nodes] == [(before.nodes[0].id, 3.5, 100 << 20, 1)]


async def test_the_configuration_lets_others_in(home: Home) -> None:
    digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of "secret"
    config = replace(config_for_tests(), users={"alice": UserConfig(keys=(digest,))})
    async with Platform(home, config) as platform, client(platform, "secret") as http:
        assert (await http.post("/v1/backends", json={"name": "hers"})).json()["owner"] == "alice"
        assert (await http.get("/v1/backends", headers={"authorization": "Bearer Secret"})).status_code == 401


async def test_pages_of_other_sites_are_not_let_in(platform: Platform) -> None:
    async with httpx.AsyncClient(base_url=platform.api_url, timeout=30) as http:
        assert (await http.get("/metrics", headers={"origin": "https://evil.example"})).status_code == 403
        assert (await http.get("/metrics", headers={"host": "evil.example"})).status_code == 403
        assert (await http.get("/metrics", headers={"origin": "http://localhost:3000"})).status_code == 200


async def test_urls_begin_as_the_configuration_says(home: Home) -> None:
    config = replace(config_for_tests(), gateway=GatewayConfig(port=0, public_url="https://pie.example.org/x/"))
    async with Platform(home, config) as platform:
        assert platform._published_url() == "https://pie.example.org/x"


async def test_a_part_that_fails_is_not_kept_quiet(home: Home) -> None:
    platform = Platform(home, config_for_tests())
    await platform.start()
    for task in platform._tasks:
        if task.get_name() == "gateway":
            task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await platform.failure()
    await platform.stop()
    assert not is_up(home)


def test_a_password_is_not_shown(home: Home) -> None:
    config = replace(config_for_tests(), database="postgresql://pie:secret@db.example.org/pie")
    assert Platform(home, config).database == "postgresql, db.example.org/pie"
    assert Platform(home).database == f"SQLite, {home.database}"


async def test_nobody_is_let_in_any_more_when_containers_are_stopped(home: Home) -> None:
    let_in: list[str] = []
    closed: list[bool] = []

    class Watched(FakeLauncher):
        async def close(self, *, stop_all: bool) -> None:
            closed.append(stop_all)
            async with httpx.AsyncClient(timeout=5) as http:
                for url in (platform.api_url, platform.gateway_url):
                    with contextlib.suppress(httpx.ConnectError):
                        await http.get(url)
                        let_in.append(url)

    platform = Platform(home, config_for_tests(), launchers={"fake": Watched()})
    await platform.start()
    await platform.stop()
    assert (closed, let_in) == ([True], [])


async def test_containers_may_be_left_to_the_next_one(home: Home) -> None:
    closed: list[bool] = []

    class Watched(FakeLauncher):
        async def close(self, *, stop_all: bool) -> None:
            closed.append(stop_all)

    platform = Platform(home, config_for_tests(), launchers={"fake": Watched()})
    await platform.start()
    await platform.stop(keep_containers=True)
    assert closed == [False]
