"""What an edge carries between two containers, each a process of its own: small messages per second, bytes of large arrays per
second.

One vertex is a source that yields as fast as its edge takes, the other a function that counts. The clock runs in the second, from
its first message to its last; the machine's two cores are all that both have.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benches.report import Figure, report
from pie_flow.container import SPEC_VARIABLE, ContainerSpec, InputSpec, OutputSpec, PythonProgram, encode

TIMEOUT_S = 120.0

SOURCE = """
from pie_component import run

def source():
    {make}
    for _ in range({count}):
        yield value

run(source)
"""

SINK = """
import json, time
from pathlib import Path
from pie_component import generated, run

count, began = 0, 0.0

def sink(value):
    global count, began
    if count == 0:
        began = time.monotonic()
    count += 1
    if count == {count}:
        result = generated("result")
        aside = result.with_suffix(".new")
        aside.write_text(json.dumps(time.monotonic() - began))
        aside.rename(result)

run(sink)
"""


def main() -> None:
    small, large = 300_000, 3_000
    small_s = _seconds("Bytes", "value = bytes(100)", small)
    large_s = _seconds("Tensor", "import numpy; value = numpy.zeros(1_000_000, numpy.uint8)", large)
    report(
        "edges",
        [
            Figure("messages of 100 B between two vertices", small / small_s, "messages/s", ">= 50000"),
            Figure("arrays of 1 MB between two vertices", large / 1000 / large_s, "GB/s", ">= 1"),
        ],
    )


def _seconds(kind: str, make: str, count: int) -> float:
    """How long so many messages take."""
    folder = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))
    address = f"ipc://{folder}/edge"
    sink = _spec(folder / "sink", SINK.format(count=count), inputs=(InputSpec(type=kind, address=address),))
    source = _spec(folder / "source", SOURCE.format(make=make, count=count), outputs=(OutputSpec(type=kind, addresses=(address,)),))
    processes = [_start(spec) for spec in (sink, source)]
    try:
        return _result(folder / "sink" / "generated" / "result")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        shutil.rmtree(folder)


def _spec(folder: Path, text: str, **fields: Any) -> ContainerSpec:
    for name in ("work", "generated", "cache"):
        (folder / name).mkdir(parents=True)
    (folder / "main.py").write_text(text)
    return ContainerSpec(
        container_id=folder.name,
        deployment_id="bench",
        vertex=folder.name,
        generation=1,
        secret="",
        program=PythonProgram(entry="main.py"),
        component_folder=str(folder),
        control_address=None,
        work_folder=str(folder / "work"),
        generated_folder=str(folder / "generated"),
        cache_folder=str(folder / "cache"),
        **fields,
    )


def _start(spec: ContainerSpec) -> "subprocess.Popen[bytes]":
    path = Path(spec.work_folder).parent / "spec.json"
    path.write_bytes(encode(spec))
    return subprocess.Popen([sys.executable, "-m", "pie_component"], env={**os.environ, SPEC_VARIABLE: str(path)})


def _result(path: Path) -> float:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not path.exists():
        if time.monotonic() > deadline_s:
            raise TimeoutError("the messages did not arrive")
        time.sleep(0.02)
    return float(json.loads(path.read_text()))


if __name__ == "__main__":
    main()
