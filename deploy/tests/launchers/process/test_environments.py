import asyncio
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest
from launcher_programs import behaviour_spec

from pie_deploy.errors import LauncherError
from pie_deploy.launchers.process.environments import Environments, environment_key
from pie_deploy.launchers.process.pip import install_command
from pie_deploy.launchers.process.seeds import COMPONENT, INFERLET, find_seeds
from pie_flow.container import ContainerSpec, InferletProgram

VARIABLES = {"PATH": os.defpath, "PIP_NO_INDEX": "1"}


@pytest.fixture
def environments(tmp_path: Path) -> Environments:
    return Environments(tmp_path / "environments", VARIABLES)


def spec_with(folder: Path, requirements: str | None) -> ContainerSpec:
    if requirements is not None:
        folder.mkdir(exist_ok=True)
        (folder / "requirements.txt").write_text(requirements)
    return msgspec.structs.replace(behaviour_spec(folder, "c-a", "idle"), component_folder=str(folder))


def make_wheel(folder: Path) -> None:
    """A package `pie_test_wheel` with a script."""
    folder.mkdir()
    info = "pie_test_wheel-1.0.dist-info"
    with zipfile.ZipFile(folder / "pie_test_wheel-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pie_test_wheel.py", "def main():\n    print('it works')\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: pie-test-wheel\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\npie-test = pie_test_wheel:main\n")
        wheel.writestr(f"{info}/RECORD", "")


def run(*argv: str | Path) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, cwd="/", env={"PATH": os.defpath}).stdout.strip()


async def test_an_environment_has_what_components_import_and_nothing_of_the_platform(
    environments: Environments, tmp_path: Path
) -> None:
    environment = await environments.ensure(spec_with(tmp_path, None))
    code = "import pie_component, pie_flow, msgspec, zmq, importlib.util as u; print(pie_flow.__file__, u.find_spec('pie_deploy'))"
    assert run(environment / "bin" / "python", "-P", "-c", code).split() == [
        str(next(environment.glob("lib/python*/site-packages")) / "pie_flow" / "__init__.py"),
        "None",
    ]


@pytest.mark.slow
async def test_an_inferlet_s_environment_has_the_client(environments: Environments, tmp_path: Path) -> None:
    spec = msgspec.structs.replace(spec_with(tmp_path, None), program=InferletProgram(program="a@1", engine="ws://127.0.0.1:1"))
    environment = await environments.ensure(spec)
    assert run(environment / "bin" / "python", "-P", "-c", "import pie_client, pie_component; print('fine')") == "fine"


async def test_an_environment_is_made_once(environments: Environments, tmp_path: Path) -> None:
    environment = await environments.ensure(spec_with(tmp_path, None))
    made_ns = (environment / ".complete").stat().st_mtime_ns
    assert await environments.ensure(spec_with(tmp_path / "b", "")) == environment
    assert (environment / ".complete").stat().st_mtime_ns == made_ns


async def test_many_who_need_it_at_once_get_the_same(tmp_path: Path) -> None:
    builders = [Environments(tmp_path / "environments", VARIABLES) for _ in range(3)]
    made = await asyncio.gather(*(builder.ensure(spec_with(tmp_path, None)) for builder in builders * 3))
    assert len(set(made)) == 1
    assert len([path for path in (tmp_path / "environments").iterdir() if path.is_dir()]) == 1


async def test_what_a_killed_builder_has_left_is_made_anew(environments: Environments, tmp_path: Path) -> None:
    environment = await environments.ensure(spec_with(tmp_path, None))
    (environment / ".complete").unlink()
    (environment / "rubbish").touch()
    assert await environments.ensure(spec_with(tmp_path, None)) == environment
    assert not (environment / "rubbish").exists()


async def test_requirements_are_installed_and_their_scripts_run(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels")
    environments = Environments(tmp_path / "environments", {**VARIABLES, "PIP_FIND_LINKS": str(tmp_path / "wheels")})
    environment = await environments.ensure(spec_with(tmp_path / "component", "pie-test-wheel==1.0  # a comment\n"))
    assert run(environment / "bin" / "pie-test") == "it works"


async def test_requirements_may_lie_beside_the_sources(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "requirements.txt").write_text("-e /etc")
    with pytest.raises(LauncherError, match="line 1"):
        await Environments(tmp_path / "e", VARIABLES).ensure(spec_with(tmp_path, None))


async def test_requirements_that_cannot_be_had_are_told_in_pip_s_words(environments: Environments, tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="No matching distribution found for nonexistent-package"):
        await environments.ensure(spec_with(tmp_path / "component", "nonexistent-package==1"))


async def test_an_environment_that_nobody_needs_any_more_is_given_up(
    environments: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forever = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr("pie_deploy.launchers.process.pip.install_command", lambda *_, **__: forever)
    making = asyncio.create_task(environments.ensure(spec_with(tmp_path / "component", "a==1")))
    async with asyncio.timeout(60):
        while not environments._building:
            await asyncio.sleep(0.01)
        await environments.close()
        with pytest.raises(LauncherError, match="given up"):
            await making


@pytest.mark.slow
async def test_after_a_failure_it_can_be_tried_again(environments: Environments, tmp_path: Path) -> None:
    spec = spec_with(tmp_path / "component", "nonexistent-package==1")
    for _ in range(2):
        with pytest.raises(LauncherError):
            await environments.ensure(spec)


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LauncherError, match="cannot be made"):
        await Environments(tmp_path / "file" / "environments", VARIABLES).ensure(spec_with(tmp_path, None))


def test_the_key_depends_on_requirements_and_seeds() -> None:
    component, inferlet = find_seeds(COMPONENT), find_seeds(INFERLET)
    keys = {environment_key("", component), environment_key("a==1\n", component), environment_key("", inferlet)}
    assert len(keys) == 3
    assert environment_key("", find_seeds(COMPONENT)) in keys


def test_a_distribution_that_is_not_here_is_told() -> None:
    with pytest.raises(LauncherError, match="no-such-thing is not installed"):
        find_seeds(["no-such-thing"])


def test_behind_a_sandbox_nothing_is_built_from_source() -> None:
    assert "--only-binary=:all:" in install_command(Path("/e"), wheels_only=True)
    assert install_command(Path("/e"), wheels_only=False)[0] == sys.executable
