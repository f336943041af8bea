"""What a program of Pie 0.4's client does. Run by the Python of its own environment: `driver_0_4.py URL SCENARIO ARGUMENT…`.

Prints one JSON value: what the scenario saw.
"""

import asyncio
import json
import sys
from pathlib import Path

from pie_client import Event, ParsedPrivateKey, PieClient


def key_in(path):
    return ParsedPrivateKey.parse(Path(path).read_text()) if path != "-" else None


async def main(url, scenario, username, key_path, *arguments):
    key = key_in(key_path)
    async with PieClient(url) as client:
        await client.authenticate(username, key)
        print(json.dumps(await globals()[scenario](client, *arguments)))


async def log_in(client):
    await client.ping()
    return "in"


async def upload(client, wasm, manifest, program):
    """Before, after, and after with hashes that do not fit."""
    seen = [await client.check_program(program)]
    await client.install_program(wasm, manifest, force_overwrite=True)
    seen += [await client.check_program(program), await client.check_program(program, wasm, manifest)]
    return [*seen, await client.check_program(program, manifest, manifest)]


async def stream(client, program):
    process = await client.launch_process(program, input={"do": "stream"})
    return [[event.value, value] for event, value in await until_the_end(process)]


async def stream_slowly(client, program):
    """Says when it has begun."""
    process = await client.launch_process(program, input={"do": "stream", "pause": 0.5})
    print("begun", flush=True)
    return [[event.value, value] for event, value in await until_the_end(process)]


async def talk(client):
    """An example by its bare name: a signal is a turn of the conversation."""
    process = await client.launch_process("chat-agent", input={"max_tokens": 4})
    turns = 0
    await process.signal("hello")
    while True:
        event, value = await process.recv()
        if event == Event.Message and value == "\n":
            turns += 1
            await process.signal("and?" if turns < 3 else "bye")
        elif event in (Event.Return, Event.Error):
            return [event.value, turns, json.loads(value)["turns"]]


async def files(client):
    """Both ways: small, empty, of many chunks."""
    contents = [b"abc", b"", bytes(range(256)) * 4096]
    process = await client.launch_process("file-echo", input={"count": 3, "change": "reverse"})
    for content in contents:
        await process.transfer_file(content)
    events = await until_the_end(process)
    received = [value for event, value in events if event == Event.File]
    return [[value == content[::-1] for content, value in zip(contents, received, strict=True)], events[-1][1]]


async def terminate(client, program):
    process = await client.launch_process(program, input={"do": "wait"})
    listed = await client.list_processes()
    await process.terminate()
    events = await until_the_end(process)
    while await client.list_processes():
        await asyncio.sleep(0.05)
    return [[each["id"] == process.process_id for each in listed], listed[0]["username"], events[-1][0].value]


async def leave(client, program):
    """Launches and goes; somebody else attaches."""
    return (await client.launch_process(program, input={"do": "stream"})).process_id


async def attach(client, process_id):
    process = await client.attach_process(process_id)
    return [[event.value, value] for event, value in await until_the_end(process)]


async def refused(client, process_id):
    try:
        await client.attach_process(process_id)
    except Exception as error:
        return str(error)


async def many(client, program, count):
    launched = await client.launch_processes(program, [{"do": "tell_input", "n": n} for n in range(int(count))])
    ends = [(await until_the_end(process))[-1] for process in launched]
    ran = await client.run_processes(program, [{"do": "tell_input", "n": n} for n in range(3)])
    return [[json.loads(value)["n"] for _, value in ends], [json.loads(value)["n"] for value in ran]]


async def half_an_upload(client, wasm, manifest):
    """The first chunk of many, then not a word more."""
    await client.ws.send(first_chunk(Path(wasm), Path(manifest)))
    client.ws.transport.abort()
    return "gone"


def first_chunk(wasm, manifest):
    import msgpack

    message = {
        "type": "add_program",
        "corr_id": 7,
        "program_hash": "0" * 64,
        "manifest": manifest.read_text(),
        "force_overwrite": True,
        "chunk_index": 0,
        "total_chunks": 100,
        "chunk_data": wasm.read_bytes()[: 256 * 1024],
    }
    return msgpack.packb(message, use_bin_type=True)


async def generate(client, prompt):
    process = await client.launch_process("text-completion", input={"prompt": prompt, "max_tokens": 24})
    event, value = (await until_the_end(process))[-1]
    return [event.value, value]


async def until_the_end(process):
    events = []
    while True:
        event, value = await process.recv()
        events.append((event, value))
        if event in (Event.Return, Event.Error):
            return events


asyncio.run(main(*sys.argv[1:]))
