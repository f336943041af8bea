"""A streaming HTTP client of the least cost: one request, its server-sent events as they come."""

import asyncio
import json
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Streamed:
    first_s: float
    """Until the first event that carries text."""
    elapsed_s: float
    completion_tokens: int
    text: str


async def post(port: int, path: str, body: dict[str, object]) -> Streamed:
    """Raises `RuntimeError` if the answer is not 200, carries no usage, or breaks off."""
    begin = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        payload = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n".encode() + payload)
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"{status.decode().strip()}: {(await reader.read()).decode(errors='replace')[-500:]}")
        return await _events(reader, begin)
    finally:
        writer.close()


async def _events(reader: asyncio.StreamReader, begin: float) -> Streamed:
    first_s, tokens, pieces = 0.0, 0, []
    async for line in reader:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
        text = _text(event)
        if text and not first_s:
            first_s = time.perf_counter() - begin
        pieces.append(text)
    if not tokens:
        raise RuntimeError("the stream ended without usage")
    return Streamed(first_s, time.perf_counter() - begin, tokens, "".join(pieces))


def _text(event: dict[str, object]) -> str:
    choices = event.get("choices")
    if not isinstance(choices, list) or not choices:
        return ""
    return str(choices[0].get("text") or (choices[0].get("delta") or {}).get("content") or "")
