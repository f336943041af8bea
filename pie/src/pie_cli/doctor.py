"""`pie doctor`: is everything there that Pie needs, and does it work?"""

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pie.config import file
from pie.config.config import Config, ModelConfig
from pie.config.home import Home, from_environment
from pie.errors import ConfigError, PieError
from pie_cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from pie.model.model import LoadedModel

Mark = Literal["ok", "warning", "critical"]
MARKS = {"ok": "✓", "warning": "!", "critical": "✗"}

MEMORY_FREE_BYTES_MIN = 1 << 30
"""The worker with a small model and its cache, and a few Python programs."""
DISK_FREE_BYTES_MIN = 1 << 30
"""A Python program takes 50 MB in the caches."""
TORCH_TIMEOUT_S = 120
"""Importing torch takes some seconds from a cold disk."""

_DEVICES = """
import torch
gpus = (f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count()))
print("cpu", *gpus, sep=", ")
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and how it stands."""

    subject: str
    mark: Mark
    detail: str


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(
    config_path: ConfigPath = None,
    start: Annotated[bool, typer.Option("--start", help="Also start the driver of each model, and stop it again.")] = False,
    as_json: Json = False,
) -> None:
    """Check that everything Pie needs is there and works. Fails only if Pie cannot work."""
    home = from_environment()
    findings = []
    for finding in examine(home, config_path, start=start):
        findings.append(finding)
        if not as_json:
            typer.echo(f"{MARKS[finding.mark]} {finding.subject}: {finding.detail}")
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    raise typer.Exit(1 if any(finding.mark == "critical" for finding in findings) else 0)


def examine(home: Home, config_path: Path | None, *, start: bool) -> Iterator[Finding]:
    """All findings, the quick ones first."""
    yield Finding(
        "python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    yield package("wasmtime", "critical", "programs cannot run")
    yield package("componentize-py", "warning", "Python programs cannot be built")
    yield free_memory(Path("/proc/meminfo"))
    for folder in (home.compiled, home.built):
        yield writable(folder)
    yield free_disk(home.root)
    yield torch()
    try:
        config = file.load(home, config_path)
    except ConfigError as error:
        yield Finding("config", "critical", str(error))
        return
    yield Finding("config", "ok", str(config_path or (home.config if home.config.exists() else "defaults")))
    yield from models(config, start=start)


def package(name: str, mark: Mark, consequence: str) -> Finding:
    """Whether a Python package is installed."""
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(name, mark, f"not installed: {consequence}")


def torch() -> Finding:
    """PyTorch and the devices it sees. It is asked in a child: importing it here would cost seconds and hundreds of MB."""
    found = package("torch", "critical", "models cannot run")
    if found.mark != "ok":
        return found
    try:
        done = subprocess.run(
            [sys.executable, "-c", _DEVICES], capture_output=True, text=True, timeout=TORCH_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding("torch", "warning", f"{found.detail}, took more than {TORCH_TIMEOUT_S} s to import")
    if done.returncode != 0:
        return Finding("torch", "critical", f"{found.detail} cannot be imported: {done.stderr.strip().rpartition(chr(10))[2]}")
    return Finding("torch", "ok", f"{found.detail}; devices: {done.stdout.strip()}")


def writable(folder: Path) -> Finding:
    """Whether files can be made in a folder, or where it will be made."""
    subject = f"{folder.parent.name}/{folder.name}"
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)) as probe:
            probe.write(b"x")
    except OSError as error:
        return Finding(subject, "warning", f"{folder} cannot be written ({error.strerror}): what belongs there is not kept")
    return Finding(subject, "ok", f"{folder} is writable")


def free_disk(folder: Path) -> Finding:
    """Free space where a folder is, or will be."""
    free = shutil.disk_usage(_existing(folder)).free
    return Finding("disk", "ok" if free >= DISK_FREE_BYTES_MIN else "warning", f"{free / 1e9:.1f} GB free for {folder}")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def free_memory(meminfo: Path) -> Finding:
    """Memory that is available, by Linux's `/proc/meminfo`."""
    try:
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return Finding("memory", "ok", "unknown on this system")
    return Finding("memory", "ok" if free >= MEMORY_FREE_BYTES_MIN else "warning", f"{free / 1e9:.1f} GB available")


def models(config: Config, *, start: bool) -> Iterator[Finding]:
    """Whether each model is here and readable, and with `start` whether its driver starts."""
    from pie.model.model import load
    from pie.model.sources import resolve

    for model in config.models:
        try:
            loaded = load(model.name, resolve(model.hf_repo), datetime.now)
            yield Finding(f"model {model.name}", "ok", described(loaded))
            if start:
                yield Finding(f"driver of {model.name}", "ok", asyncio.run(started(model, loaded)))
        except PieError as error:
            yield Finding(f"model {model.name}", "critical", error.message)


def described(loaded: "LoadedModel") -> str:
    """A model in a line."""
    odd = f"; its template is not used for single turns, ChatML is ({loaded.chat.problem})" if loaded.chat.problem else ""
    return f"{loaded.architecture}, {loaded.vocabulary_size} tokens, context {loaded.context_max}, in {loaded.folder}{odd}"


async def started(model: ModelConfig, loaded: "LoadedModel") -> str:
    """Starts the model's driver and closes it. Raises `PieError`."""
    from pie.engine.drivers import make_driver

    driver = make_driver(model, loaded)
    try:
        limits = await driver.start()
    finally:
        await driver.close()
    return f"{model.driver.type} on {model.driver.device}: {limits.pages_total} pages of {limits.page_size} tokens"
