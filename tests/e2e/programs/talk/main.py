"""Says things in every way that a program can. Each function is one way."""

import asyncio
import sys

from inferlet import session


async def main(input):
    return await globals()[input.get("do", "tell_input")](input)


async def tell_input(input):
    return input


async def print_and_send(input):
    print("a print")
    print("a complaint", file=sys.stderr)
    session.send("a message")
    return "the value"


async def stream(input):
    """Piece by piece, then the whole."""
    pieces = ["one ", "two ", "three"]
    for piece in pieces:
        session.send(piece)
        await asyncio.sleep(input.get("pause", 0.05))
    return "".join(pieces)


async def receive_lines(input):
    lines = []
    while True:
        try:
            lines.append(await session.receive())
        except EOFError:
            return lines


async def wait(input):
    session.send("waiting")
    print("waiting", file=sys.stderr)
    await asyncio.sleep(3600)


async def fail(input):
    raise ValueError("the guest's own words")


async def send_named_file(input):
    """Once it is told to: clients of Pie 0.5 lose files that come right behind the answer to the launch."""
    await session.receive()
    session.send_file(b"content", "notes.txt")
