"""`pie-client install`: give a program to the engine."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pie_client_cli.failure import CommandError
from pie_client_cli.options import ConfigPath, Host, Port, PrivateKeyPath, Username, chosen

if TYPE_CHECKING:
    from pie_client_cli.program import LocalProgram
    from pie_client_cli.settings import Settings


def install(
    path: Annotated[Path, typer.Option("-p", "--path", help="The component.")],
    manifest: Annotated[Path, typer.Option("-m", "--manifest", help="Its Pie.toml.")],
    force: Annotated[bool, typer.Option("-f", "--force", help="Replace other bytes of the same version.")] = False,
    config: ConfigPath = None,
    host: Host = None,
    port: Port = None,
    username: Username = None,
    private_key_path: PrivateKeyPath = None,
) -> None:
    """Give a program to the engine without running it."""
    from pie_client_cli.program import read

    program = read(path, manifest)
    typer.echo(asyncio.run(_install(chosen(config, host, port, username, private_key_path), program, force=force)))


async def _install(settings: "Settings", program: "LocalProgram", *, force: bool) -> str:
    from pie_client_cli.session import session

    async with session(settings) as client:
        if await program.is_installed(client):
            return f"{program.id} is there already"
        if not force and await client.check_program(program.id):
            raise CommandError(f"the engine has other bytes as {program.id}; --force replaces them")
        await client.install_program_bytes(program.wasm, program.manifest, force_overwrite=force)
    return f"installed {program.id}"
