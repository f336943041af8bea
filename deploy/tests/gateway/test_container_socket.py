"""Connecting to what a container has put where its socket should be."""

import asyncio
import sys
from pathlib import Path

from endpoint_container import socket_folder

_SOCKETS = 100
_CONNECTIONS = 5000

_CONNECTS = """
import asyncio, sys, uvloop
from pie_deploy.gateway.container_socket import connected

class Talkative(asyncio.Protocol):
    def __init__(self):
        self.ended = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport  # a cycle, as usual: what it holds goes late
        transport.write(b"x")

    def connection_lost(self, _):
        self.ended.set()

async def again_and_again(path):
    while True:
        talkative = Talkative()
        try:
            transport = await connected(f"ipc://{path}", talkative)
            await talkative.ended.wait()
        except OSError:
            pass
        transport = None
        await asyncio.sleep(0.02)

async def main():
    connecting = [asyncio.ensure_future(again_and_again(p)) for p in sys.argv[1:]]
    await asyncio.to_thread(sys.stdin.read)
    for task in connecting:
        task.cancel()
    await asyncio.gather(*connecting, return_exceptions=True)

uvloop.run(main())
"""


async def test_containers_that_hang_up_at_once_do_not_end_the_platform() -> None:
    """In a process of its own: what uvloop does with a descriptor that was closed is to abort."""
    enough = asyncio.Event()
    connections = 0

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        writer.close()
        connections += 1
        if connections == _CONNECTIONS:
            enough.set()

    async with socket_folder() as folder:
        paths = [folder / str(number) for number in range(_SOCKETS)]
        servers = [await asyncio.start_unix_server(hang_up, path) for path in paths]
        assert await _returncode(paths, enough) == 0
        for server in servers:
            server.close()


async def _returncode(paths: list[Path], enough: asyncio.Event) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _CONNECTS, *map(str, paths), stdin=asyncio.subprocess.PIPE)
    ended, waiting = asyncio.create_task(process.wait()), asyncio.create_task(enough.wait())
    try:
        await asyncio.wait((ended, waiting), timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert process.stdin is not None
        process.stdin.close()
        return await asyncio.wait_for(ended, 60)
    finally:
        waiting.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
