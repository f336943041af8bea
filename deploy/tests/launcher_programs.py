"""Programs that stand in for components in tests of launchers: small Python scripts, each with one behaviour."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pie_flow.container import ContainerSpec, PythonProgram

PROGRAMS = {
    "idle": "import time; print('here', flush=True); time.sleep(600)",
    "exits_3": "import sys; print('bye', flush=True); sys.exit(3)",
    "prints": "import sys; print('one'); print('two', file=sys.stderr); print('three'); sys.exit(0)",
    "stubborn": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
    "polite": """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print('asked', flush=True), sys.exit(0)))
print('ready', flush=True)
time.sleep(600)
""",
    "says_environment": "import os; [print(f'{n}={v}') for n, v in sorted(os.environ.items())]",
    "children": """
import os, sys, time
def child(kind):
    if os.fork():
        return
    if kind != "plain":
        os.setsid()
    if kind == "daemon" and os.fork():
        os._exit(0)
    if kind == "unmarked":
        os.execve(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(600)"], {})
    time.sleep(600)
    os._exit(0)
for kind in ("plain", "session", "daemon", "unmarked"):
    child(kind)
time.sleep(0.2)
print('ready', flush=True)
time.sleep(600)
""",
    "floods": """
import os
block = b'flood ' * 100 + b'\\n'
while True:
    os.write(1, block * 100)
""",
    "hoards": """
import time
print('ready', flush=True)
kept = []
while True:
    kept.append(bytearray(b'x') * (4 << 20))
    time.sleep(0.002)
""",
    "reserves": """
import mmap, time
kept = mmap.mmap(-1, 64 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=0)
print('reserved', flush=True)
time.sleep(600)
""",
    "bombs": """
import os, time
print('ready', flush=True)
while True:
    try:
        if os.fork() == 0:
            time.sleep(600)
    except OSError:
        time.sleep(0.01)
""",
    "kills_parent": "import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)",
}


def behaviour_command(spec: ContainerSpec, environment: Path) -> Sequence[str]:
    """What the spec's vertex is called says how it behaves. Without `site`: a script needs nothing of it, and starts at once."""
    return (sys.executable, "-S", "-c", PROGRAMS[spec.vertex])


def behaviour_spec(root: Path, container_id: str, behaviour: str, deployment_id: str = "d-test") -> ContainerSpec:
    folder = root / "containers" / container_id
    return ContainerSpec(
        container_id=container_id,
        deployment_id=deployment_id,
        vertex=behaviour,
        generation=1,
        secret="secret",
        program=PythonProgram(entry="main.py"),
        component_folder=None,
        control_address=None,
        work_folder=str(folder / "work"),
        generated_folder=str(folder / "generated"),
        cache_folder=str(root / "caches" / "none"),
    )
