"""The client against registries that lie."""

from collections.abc import Callable

import httpx
import pytest

from bakery import registry_client
from bakery.errors import RegistryRefusalError, RegistryUnreachableError
from bakery.registry_client import RegistryClient, printable

URL = "http://registry.test"


def client(answer: Callable[[httpx.Request], httpx.Response], token: str | None = None) -> RegistryClient:
    return RegistryClient(URL, token, transport=httpx.MockTransport(answer))


def test_a_refusal_carries_the_registrys_words_without_control_sequences() -> None:
    with (
        client(lambda _: httpx.Response(403, json={"detail": "no\x1b[2J\n way"})) as registry,
        pytest.raises(RegistryRefusalError) as refusal,
    ):
        registry.info("toast")
    assert (refusal.value.status, str(refusal.value)) == (403, "no [2J  way")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"detail": ["x"]}', b"\xff"])
def test_a_refusal_without_words_still_says_something(body: bytes) -> None:
    with client(lambda _: httpx.Response(500, content=body)) as registry, pytest.raises(RegistryRefusalError, match=r"\S"):
        registry.search()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"name": 3, "versions": []}', b"\xff"])
def test_an_answer_of_something_else_is_no_registrys(body: bytes) -> None:
    with (
        client(lambda _: httpx.Response(200, content=body)) as registry,
        pytest.raises(RegistryUnreachableError, match="no registry"),
    ):
        registry.info("toast")


def test_a_redirect_is_not_followed() -> None:
    answer = httpx.Response(302, headers={"Location": "http://elsewhere.test/"})
    with client(lambda _: answer) as registry, pytest.raises(RegistryRefusalError):
        registry.info("toast")


def test_an_endless_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_client, "ANSWER_BYTES_MAX", 1000)
    with (
        client(lambda _: httpx.Response(200, content=b" " * 2000)) as registry,
        pytest.raises(RegistryUnreachableError, match="more than"),
    ):
        registry.info("toast")


def test_nobody_there_is_told() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    with client(refuse) as registry, pytest.raises(RegistryUnreachableError, match=f"{URL} cannot be reached: Connection refused"):
        registry.me()


def test_the_token_goes_to_the_registry_and_not_to_the_upload_address() -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((str(request.url), request.headers.get("authorization")))
        return httpx.Response(200, json={"upload_url": "http://store.test/put?signature=1"})

    with client(answer, "secret") as registry:
        registry.upload(registry.announce({}), iter([b"x"]), 1)
    assert asked == [(f"{URL}/api/v1/inferlets/new", "Bearer secret"), ("http://store.test/put?signature=1", None)]


def test_an_upload_address_may_be_relative() -> None:
    with client(lambda _: httpx.Response(200, json={"upload_url": "/put"})) as registry:
        assert registry.announce({}) == f"{URL}/put"


def test_names_cannot_lead_elsewhere() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(404, json={"detail": "no"})

    with client(answer) as registry:
        for name in ("a?b#c", "alice/toast"):
            with pytest.raises(RegistryRefusalError):
                registry.info(name)
    assert asked == ["/api/v1/inferlets/a%3Fb%23c", "/api/v1/inferlets/alice/toast"]


def test_text_for_terminals_stays_on_its_line() -> None:
    assert printable("Käse 🧀\n\x1b[31m\u202e") == "Käse 🧀  [31m "
