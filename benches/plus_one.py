"""Components that add one, and a chain of three of them, for benches of the platform."""

import io
import tarfile
from collections.abc import Iterator

MANIFEST = """
name: {name}
language: py
summary: Adds one.
worker:
  input_types: [Int64]
  output_types: [Int64]
  resources: {{cpu: 0.1, memory: 128MiB}}
"""

ENDPOINTS = {
    "first": "http: {number: {direction: ingress, type: Int64, into: 0, respond: sum}}",
    "middle": "",
    "last": "http: {sum: {direction: egress, type: Int64, of: 0}}",
}

PROGRAM = """
from pie_component import run


def plus_one(x):
    return x + 1


run(plus_one)
"""

BACKEND = {
    "name": "chain",
    "vertices": {name: {"component": name} for name in ENDPOINTS},
    "edges": ["first -> middle", "middle -> last"],
    "aliases": {"first.number": "in", "last.sum": "out"},
}


def archives() -> Iterator[bytes]:
    """The components as they are published."""
    for name, endpoints in ENDPOINTS.items():
        yield _packed({"component.yml": MANIFEST.format(name=name) + endpoints, "src/main.py": PROGRAM, "README.md": "Adds one.\n"})


def _packed(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()
