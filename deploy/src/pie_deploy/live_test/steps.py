"""The steps of a live test: what is sent, and whether what is expected comes. Each answers what was wrong; nothing: it passed."""

import asyncio
import contextlib
import hashlib
import io
import mimetypes
import re
import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import httpx
import msgspec

from pie_deploy.domain import expectation
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.live_test import Answer, ExpectFile, ExpectLog, ExpectStream, Send, Step
from pie_deploy.limits import LIVE_TEST_BODY_BYTES_MAX, LIVE_TEST_LOG_LINES_MAX
from pie_deploy.live_test.api import at
from pie_deploy.live_test.site import Site
from pie_deploy.live_test.stream import Stream
from pie_deploy.ports.launcher import LogLine

LOOK_S = 0.2
"""Between two looks at a log."""


async def take(site: Site, step: Step) -> list[str]:
    """Raises DeployError when the step cannot be taken at all."""
    if step.send is not None:
        return await _send(site, step.send, step.expect or Answer())
    if step.expect_stream is not None:
        return await _stream(site, step.expect_stream)
    if step.expect_log is not None:
        return await _log(site, step.expect_log)
    assert step.expect_file is not None, "a manifest that was checked has one of the four"
    return await asyncio.to_thread(_file, site, step.expect_file)


# --- Requests --------------------------------------------------------------------------------------------------------


async def _send(site: Site, send: Send, answer: Answer) -> list[str]:
    content, media_type = await asyncio.to_thread(_body, site, send)
    headers = {name.lower(): value for name, value in send.headers.items()}
    if content is not None:
        headers.setdefault("content-type", media_type)
    url = site.endpoint(send.role).url + send.path
    try:
        async with asyncio.timeout(parse_duration(answer.within) / 1e9):
            return _unlike(answer, *await _ask(site.http, send, url, headers, content))
    except TimeoutError:
        return [f"no answer within {answer.within}"]
    except httpx.HTTPError as error:
        return [f"no answer: {error}"]
    except (httpx.InvalidURL, ValueError) as error:  # a URL or header that cannot be sent
        return [f"not sent: {error}"]


def _body(site: Site, send: Send) -> tuple[bytes | None, str]:
    if send.json is not msgspec.UNSET:
        return msgspec.json.encode(send.json), "application/json"
    if send.body is None:
        return None, ""
    if not send.body.startswith("@"):
        return send.body.encode(), "text/plain; charset=utf-8"
    name = send.body[1:]
    guessed, _ = mimetypes.guess_type(site.test.fixtures[name].path)
    return site.fixture(name), guessed or "application/octet-stream"


async def _ask(
    http: httpx.AsyncClient, send: Send, url: str, headers: dict[str, str], content: bytes | None
) -> tuple[httpx.Response, bytes]:
    async with http.stream(send.method, url, headers=headers, params=send.query or None, content=content, timeout=None) as response:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LIVE_TEST_BODY_BYTES_MAX:
                raise httpx.RemoteProtocolError(f"the answer has more than {LIVE_TEST_BODY_BYTES_MAX} bytes")
        return response, bytes(body)


def _unlike(answer: Answer, response: httpx.Response, body: bytes) -> list[str]:
    """What of the answer is not as expected."""
    found = [f"status: {failure}" for failure in expectation.failures(answer.status, response.status_code)]
    for name, expected in answer.headers.items():
        value = (response.headers[name],) if name in response.headers else ()
        found += [f"header {name}: {failure}" for failure in expectation.failures(expected, *value)]
    text = body.decode(errors="replace")
    if answer.text is not msgspec.UNSET:
        found += [f"text: {failure}" for failure in expectation.failures(answer.text, text)]
    if answer.json is not msgspec.UNSET:
        found += _unlike_json(answer.json, body)
    return found if not found or answer.text is not msgspec.UNSET else [*found, f"the answer was: {text[:500]}"]


def _unlike_json(expected: Any, body: bytes) -> list[str]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return [f"json: the answer is not JSON: {error}"]
    return [f"json: {failure}" for failure in expectation.failures(expected, value)]


# --- Streams ---------------------------------------------------------------------------------------------------------


async def _stream(site: Site, expected: ExpectStream) -> list[str]:
    stream = site.streams[expected.role]
    fitting = _Fitting(stream, expected.json)
    waits_for_more = expectation.allows_more(expected.count)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(parse_duration(expected.within) / 1e9):
            while not waits_for_more or expectation.failures(expected.count, fitting.count()):
                await stream.changed()
    count = fitting.count()
    return [
        f"count: {failure}; {stream.count} values came, {count} of them as expected"
        for failure in expectation.failures(expected.count, count)
    ]


class _Fitting:
    """How many values of a stream are as expected; each is looked at once."""

    def __init__(self, stream: Stream, expected: Any) -> None:
        self._stream = stream
        self._expected = expected
        self._seen = 0
        self._count = 0

    def count(self) -> int:
        new = min(self._stream.count - self._seen, len(self._stream.values))
        self._seen = self._stream.count
        for value in islice(reversed(self._stream.values), new):
            self._count += self._expected is msgspec.UNSET or not expectation.failures(self._expected, value)
        return self._count


# --- Logs ------------------------------------------------------------------------------------------------------------


async def _log(site: Site, expected: ExpectLog) -> list[str]:
    container_id = site.container(expected.vertex).id
    until_s = time.monotonic() + parse_duration(expected.within) / 1e9
    while True:
        texts = [line.text for line in await asyncio.to_thread(log_lines, site, container_id)]
        unwanted = _first(expected.not_matches, texts)
        if unwanted is not None:
            return [f"a line matches {expected.not_matches!r}: {unwanted[:500]}"]
        if expected.matches is None or _first(expected.matches, texts) is not None:
            return []
        if time.monotonic() >= until_s:
            return [f"no line of {len(texts)} matches {expected.matches!r}"]
        await asyncio.sleep(LOOK_S)


def _first(pattern: str | None, texts: Sequence[str]) -> str | None:
    return None if pattern is None else next((text for text in texts if re.search(pattern, text)), None)


def log_lines(site: Site, container_id: str) -> list[LogLine]:
    return list(site.api.lines(at("containers", container_id, "logs"), LogLine, tail=LIVE_TEST_LOG_LINES_MAX))


# --- Generated files -------------------------------------------------------------------------------------------------


def _file(site: Site, expected: ExpectFile) -> list[str]:
    file = site.generated.get((expected.vertex, expected.slot))
    if file is None:
        known = ", ".join(f"{vertex}.{slot}" for vertex, slot in sorted(site.generated)) or "none"
        return [f"vertex {expected.vertex} has generated no file {expected.slot}; generated files are {known}"]
    found = []
    if expected.size is not msgspec.UNSET:
        found += [f"size: {failure}" for failure in expectation.failures(expected.size, file.size_bytes)]
    if expected.sha256 is not None:
        digest = _digest(site, file.id)
        if digest != expected.sha256:
            found.append(f"sha256 is {digest}")
    return found


class _Hash(io.RawIOBase):
    """A file that only counts as its digest."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return len(data)


def _digest(site: Site, file_id: str) -> str:
    target = _Hash()
    site.api.download(at("files", file_id, "content"), target)  # type: ignore[arg-type]
    return target.digest.hexdigest()
