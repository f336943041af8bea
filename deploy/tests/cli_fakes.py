"""An API that answers what it was told to, on a real port, with the home that leads a command line to it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from typer.testing import CliRunner

from pie_cli.main import app
from pie_deploy.config import Home
from pie_deploy.config.address import Address, HomeLock, write_address

KEY = "pie_key"


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    status: int = 200
    is_cut: bool = False
    """Whether the platform goes in the middle of it."""


@dataclass(slots=True)
class FakeApi:
    """`answers` by method and path; several are given one after the other, the last one again and again."""

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, *values: object) -> None:
        """Answer with values as JSON."""
        self.answers[method, path] = [Answer(msgspec.json.encode(value)) for value in values]

    def on_items(self, path: str, *rows: object) -> None:
        self.on("GET", path, {"items": rows})

    def on_lines(self, method: str, path: str, *values: object) -> None:
        """Answer with a stream of values, a line each."""
        self.answers[method, path] = [Answer(lines(*values))]

    def on_restart(self, method: str, path: str, before: bytes, after: bytes) -> None:
        """Answer with a stream that breaks off, and when asked again with the rest."""
        self.answers[method, path] = [Answer(before, is_cut=True), Answer(after)]

    def refuse(self, method: str, path: str, status: int, code: str, message: str, *details: object) -> None:
        body = {"error": {"code": code, "message": message, "details": details}}
        self.answers[method, path] = [Answer(msgspec.json.encode(body), status)]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return Answer(b'{"error": {"code": "unauthenticated", "message": "show an API key"}}', 401)
        answers = self.answers.get((asked.method, asked.path))
        if not answers:
            missing = {"error": {"code": "not_found", "message": f"there is no {asked.path}"}}
            return Answer(msgspec.json.encode(missing), 404)
        return answers.pop(0) if len(answers) > 1 else answers[0]


def lines(*values: object) -> bytes:
    return b"".join(msgspec.json.encode(value) + b"\n" for value in values)


@contextmanager
def serving(api: FakeApi, home: Home) -> Iterator[FakeApi]:
    """The API behind the address of a home."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = api.answer(Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, self._body(headers)))
            self.send_response(answer.status)
            self.send_header("content-length", str(len(answer.body) + answer.is_cut))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = self.close_connection or answer.is_cut

        do_GET = do_POST = do_DELETE = do_PUT = handle_any

        def _body(self, headers: dict[str, str]) -> bytes:
            if headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(headers.get("content-length", "0")))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            pass

    home.root.mkdir(parents=True, exist_ok=True)
    home.credential.write_text(f"{KEY}\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with HomeLock(home):
            write_address(home, Address(api_url=url, gateway_url="http://127.0.0.1:1", pid=1, started_at_ns=1))
            yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


def run(*arguments: str | Path, stdin: str | None = None) -> Ran:
    """`pie ARGUMENTS`."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)
