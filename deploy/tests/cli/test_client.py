from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cli_rows as rows
import httpx
import msgspec
import pytest

from pie_deploy.cli.client import Client, at, chunks, connect, event_data, lines_of
from pie_deploy.domain.records import Backend
from pie_deploy.errors import (
    DeadlineError,
    DeployError,
    GraphLockedError,
    InvalidArgumentError,
    NotFoundError,
    UnreachableError,
)

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler) -> Client:
    return Client("http://127.0.0.1:1", "secret", httpx.MockTransport(handler))


def answering(status: int, body: bytes) -> Client:
    return client(lambda _: httpx.Response(status, content=body))


def test_a_row_is_typed() -> None:
    assert answering(200, msgspec.json.encode(rows.backend())).get(at("backends", "x"), Backend) == rows.backend()


def test_what_a_newer_platform_adds_is_left_alone() -> None:
    body = msgspec.json.encode({**msgspec.to_builtins(rows.backend()), "colour": "blue"})
    assert answering(200, body).get(at("backends", "x"), Backend) == rows.backend()


def test_a_request_says_who_asks_and_what() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"items": []})

    assert client(handler).items(at("deployments"), Backend, all=True, after=3, vertex=None) == []
    assert seen[0].headers["authorization"] == "Bearer secret"
    assert seen[0].url == "http://127.0.0.1:1/v1/deployments?all=true&after=3"


def test_names_are_quoted_in_paths() -> None:
    assert at("components", "count@3") == "/v1/components/count@3"
    assert at("files", "a b/c?d") == "/v1/files/a%20b%2Fc%3Fd"


def test_an_empty_name_would_name_something_else() -> None:
    with pytest.raises(InvalidArgumentError):
        at("backends", "")


def test_a_refusal_is_the_error_of_its_code() -> None:
    body = b'{"error": {"code": "graph_locked", "message": "fork it", "details": [{"code": "x", "message": "y", "subject": "z"}]}}'
    with pytest.raises(GraphLockedError, match="fork it") as refused:
        answering(409, body).get("/v1/x", Backend)
    assert [detail.subject for detail in refused.value.details] == ["z"]


def test_a_code_from_the_future_is_still_told() -> None:
    with pytest.raises(DeployError, match="no coffee"):
        answering(418, b'{"error": {"code": "teapot", "message": "no coffee", "details": []}}').get("/v1/x", Backend)


def test_an_answer_of_something_else_is_told_shortly() -> None:
    with pytest.raises(DeployError, match="answers 502: <html>"):
        answering(502, b"<html>" + b"x" * 10_000).get("/v1/x", Backend)


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (httpx.ConnectError("refused"), UnreachableError),
        (httpx.ReadTimeout("slow"), DeadlineError),
        (httpx.RemoteProtocolError("gone"), UnreachableError),
    ],
    ids=["refused", "slow", "gone"],
)
def test_what_happens_on_the_way_is_said_in_words(raised: Exception, error: type[DeployError]) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise raised

    with pytest.raises(error, match=r"http://127\.0\.0\.1:1"):
        client(handler).get("/v1/x", Backend)


def test_lines_are_values() -> None:
    assert list(answering(200, b'1\n\n2\n{"a": 3}\n').lines("/v1/x", object)) == [1, 2, {"a": 3}]


def test_only_a_newline_ends_a_line() -> None:
    text = "a\x0b\x0c\x1c\x85\u2028\u2029b\r"
    assert list(answering(200, msgspec.json.encode({"text": text}) + b"\r\n").lines("/v1/x", object)) == [{"text": text}]


def test_lines_may_come_in_pieces() -> None:
    assert list(lines_of([b"a", b"b\nc", b"", b"\n", b"\nde"])) == [b"ab", b"c", b""]


def test_a_line_without_measure_is_refused() -> None:
    with pytest.raises(DeployError, match="more than 16 MiB"):
        list(lines_of([b"x" * (1 << 20)] * 17))


def test_a_refused_stream_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="no such"):
        list(answering(404, b'{"error": {"code": "not_found", "message": "no such"}}').lines("/v1/x", object))


def test_server_sent_events_are_values() -> None:
    body = b': hello\n\nevent: x\nid: 7\ndata: {"a":\ndata: 1}\n\ndata:2\n\n'
    assert list(answering(200, body).events("/v1/x", object)) == [{"a": 1}, 2]


def test_an_event_that_has_not_ended_is_none() -> None:
    assert list(event_data([b"data: 1", b"", b"data: 2"])) == [b"1"]


def test_a_download_is_written_as_it_comes() -> None:
    target = BytesIO()
    answering(200, b"x" * 3_000_000).download("/v1/x", target)
    assert len(target.getvalue()) == 3_000_000


def test_an_upload_is_sent_as_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"y" * 2_500_000)
    sizes: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sizes.append(len(request.read()))
        return httpx.Response(200, content=msgspec.json.encode(rows.backend()))

    client(handler).upload(at("files"), Backend, chunks(path), name="big")
    assert sizes == [2_500_000]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^{tmp_path}/none: cannot be read"):
        list(chunks(tmp_path / "none"))


def test_a_platform_of_somebody_else_is_not_ours_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIE_DEPLOY_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("PIE_DEPLOY_KEY", "key")
    with connect() as client, pytest.raises(UnreachableError) as refusal:
        client.get(at("backends"), dict)
    assert refusal.value.hint == "PIE_DEPLOY_URL says that it is there"
