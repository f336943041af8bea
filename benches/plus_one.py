"""A component that adds one, and a chain of three of them, for benches of the platform."""

import io
import tarfile

MANIFEST = """
name: plus-one
language: py
summary: Adds one.
worker:
  input_types: [Int64]
  output_types: [Int64]
  resources: {cpu: 0.1, memory: 128MiB}
http:
  number: {direction: ingress, type: Int64, into: 0, respond: sum}
  sum: {direction: egress, type: Int64, of: 0}
"""

PROGRAM = """
from pie_component import run


def plus_one(x):
    return x + 1


run(plus_one)
"""

BACKEND = {
    "name": "chain",
    "vertices": {name: {"component": "plus-one"} for name in ("a", "b", "c")},
    "edges": ["a -> b", "b -> c"],
    "aliases": {"a.number": "in", "c.sum": "out"},
}


def archive() -> bytes:
    """The component as it is published."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as files:
        for name, text in {"component.yml": MANIFEST, "src/main.py": PROGRAM, "README.md": "Adds one.\n"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            files.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()
