"""Waits for a text: a live process that does nothing."""

from inferlet import session


async def main(input):
    session.send("ready")
    return await session.receive()
