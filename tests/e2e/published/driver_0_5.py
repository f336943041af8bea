"""What a program of Pie 0.5's client does: `driver_0_5.py URL SCENARIO ARGUMENT…`. Prints one JSON value: what the scenario saw."""

import asyncio
import json
import sys

from pie_client.inferlet import inferlet

from pie_client import Event, PieClient


async def main(url, scenario, *arguments):
    async with PieClient(url) as client:
        await client.authenticate("somebody")
        print(json.dumps(await globals()[scenario](client, *arguments)))


async def log_in(client):
    await client.ping()
    return "in"


async def upload(client, wasm, manifest, program):
    before = await client.check_program(program)
    await client.install_program(wasm, manifest)
    return [before, await client.check_program(program)]


async def run_by_bare_name(client, name):
    process = await client.run(name, do="print_and_send")
    return [await process.result(), "".join(process.output)]


@inferlet
async def shout(text: str, times: int = 2):
    """Says it louder."""
    import inferlet as pie

    pie.session.send("before")
    return {"text": text.upper() * times}


async def run_a_function(client):
    process = await client.run(shout, text="hi", times=3)
    return [await process.result(), "".join(process.output)]


async def files(client):
    """The program gives its files the names that they came with, which are none from this client."""
    process = await client.launch_process("file-echo", input={"count": 2, "change": "upper"})
    await process.transfer_file(b"abc")
    await process.transfer_file(b"x" * 600_000)
    received = []
    while (got := await process.recv())[0] != Event.Return:
        received.append(got[1])
    return [[len(file), file[:1].decode(), file.name] for file in received]


async def named_file(client, program):
    process = await client.launch_process(program, input={"do": "send_named_file"})
    await process.signal("now")
    while (got := await process.recv())[0] != Event.File:
        assert got[0] not in (Event.Return, Event.Error), got
    return [got[1].decode(), got[1].name]


async def terminate_and_attach(client, program):
    process = await client.launch_process(program, input={"do": "wait"})
    listed = await client.list_processes()
    await process.terminate()
    ends = set()
    while not ends & {Event.Return, Event.Error}:
        ends.add((await process.recv())[0])
    return [each["id"] == process.process_id for each in listed]


asyncio.run(main(*sys.argv[1:]))
