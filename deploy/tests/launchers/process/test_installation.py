"""A command may run the platform's own programs; nothing else of the platform is shown to containers."""

import sys
from pathlib import Path

import msgspec
from launcher_programs import behaviour_spec

from pie_deploy.launchers.process import installation
from pie_deploy.launchers.process.command import sandbox, variables
from pie_flow.container import CommandProgram, ContainerSpec

PYTHON = behaviour_spec(Path("/home/x"), "c-a", "idle")
COMMAND = msgspec.structs.replace(PYTHON, program=CommandProgram(argv=("pie", "serve")))


def seen(spec: ContainerSpec) -> list[str]:
    spec_path = Path("/home/x/spec.json")
    return sandbox(spec, bwrap="bwrap", environment=Path("/env"), spec_path=spec_path, handed=Path("/handed"), hidden=())


def path(spec: ContainerSpec) -> list[str]:
    chosen = variables(spec, environment=Path("/env"), spec_path=Path("/s"), cpu=1, gpu=0, inherited={})
    return chosen["PATH"].split(":")


def test_a_command_finds_the_platforms_programs_after_all_others() -> None:
    assert path(COMMAND) == [*path(PYTHON), str(Path(sys.prefix) / "bin")]


def test_only_a_command_sees_the_platforms_installation() -> None:
    assert set(installation.folders()) <= set(seen(COMMAND))
    assert sys.prefix not in seen(PYTHON)


def test_of_a_checkout_nothing_hidden_is_shown() -> None:
    others = [folder for folder in installation.folders() if folder != sys.prefix]
    assert not any(Path(folder).name.startswith(".") for folder in others)
