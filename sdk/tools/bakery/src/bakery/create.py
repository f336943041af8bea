"""A new project to start from."""

from pathlib import Path

from bakery.errors import ProjectError
from pie_wire.manifest import is_program_name

_MANIFEST = """\
[package]
name = "{name}"
version = "0.1.0"
description = "Answers a prompt."

[parameters]
prompt = {{ type = "string", optional = true, description = "What to ask." }}
max_tokens = {{ type = "int", optional = true, description = "Longest answer, in tokens." }}
"""

_MAIN = '''\
"""Answers a prompt, streaming the answer as it is generated."""

from inferlet import Context, Model, Sampler, runtime, session


async def main(input):
    model = Model.load(runtime.models()[0])
    context = Context(model)
    context.system("You are a helpful assistant.")
    context.user(input.get("prompt", "What is the capital of France?"))

    answer = ""
    async for text in context.generate(Sampler.argmax(), max_tokens=input.get("max_tokens", 256)).texts():
        session.send(text)
        answer += text
    return answer
'''

_README = """\
# {name}

A program for Pie: `main.py` runs beside the model, `Pie.toml` says what it is called and which parameters it takes.

    pie run . --prompt "What is 2 + 3?"     build if needed, run, print the answer
    bakery build . -o {name}.wasm           only build
"""


def create(name: str, folder: Path | None = None) -> Path:
    """Makes a Python project that works as it is, in `folder` (default: a new folder of that name here); returns the folder.

    Raises `ProjectError` if the name is no program name, or the folder is not empty.
    """
    if not is_program_name(name):
        raise ProjectError(f"'{name}' cannot be a program's name: letters, digits, '-' and '_', beginning with a letter or digit")
    target = Path(name) if folder is None else folder
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ProjectError(f"{target}: already exists")
    target.mkdir(parents=True, exist_ok=True)
    for file, text in (("Pie.toml", _MANIFEST), ("README.md", _README)):
        (target / file).write_text(text.format(name=name), encoding="utf-8")
    (target / "main.py").write_text(_MAIN, encoding="utf-8")
    return target
