"""Requests about programs: is one installed, install this one."""

from pie.errors import ManifestError
from pie.net.caller import Caller
from pie.net.incoming import Chunk
from pie.net.refused import RefusedError
from pie_wire import manifest
from pie_wire.errors import ManifestError as MalformedManifestError
from pie_wire.errors import ProgramIdError
from pie_wire.manifest import ProgramId
from pie_wire.messages import AddProgram, CheckProgram

INSTALLED = "Program installed successfully"


def check_program(caller: Caller, message: CheckProgram) -> str:
    try:
        wanted = ProgramId.parse(f"{message.name}@{message.version}")
    except ProgramIdError as error:
        raise RefusedError(str(error)) from error
    library = caller.hub.engine.library
    has = library.has(caller.owner, wanted.name, wanted.version, message.wasm_hash, message.manifest_hash)
    return "true" if has else "false"


async def add_program(caller: Caller, message: AddProgram) -> str | None:
    """Answered after the last chunk, or for a chunk that does not fit."""
    chunk = Chunk(message.chunk_index, message.total_chunks, message.chunk_data)
    if message.chunk_index == 0:
        _check_manifest(message.manifest)
    wasm = caller.uploads.add((message.corr_id, message.program_hash), chunk, message.program_hash)
    if wasm is None:
        return None
    with caller.hub.incoming_bytes.holding(caller.username, len(wasm)):
        await _install(caller, wasm, message)
    return INSTALLED


async def _install(caller: Caller, wasm: bytes, message: AddProgram) -> None:
    try:
        await caller.hub.engine.library.add(caller.owner, wasm, message.manifest, force=message.force_overwrite)
    except (ManifestError, MalformedManifestError) as error:
        raise RefusedError(f"Invalid manifest: {error}") from error


def _check_manifest(text: str) -> None:
    """Say what is wrong with a manifest before the whole program has travelled."""
    try:
        manifest.parse(text)
    except MalformedManifestError as error:
        raise RefusedError(f"Invalid manifest: {error}") from error
