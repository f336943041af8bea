"""`pie:inferlet/runtime`: the engine and this process."""

from importlib.metadata import version as distribution_version

from pie.host.guest import Guest
from pie.sandbox.interface import Interface

ENGINE_VERSION = distribution_version("pie-engine")


def version(_: Guest) -> str:
    return ENGINE_VERSION


def process_id(guest: Guest) -> str:
    return guest.process.id


def username(guest: Guest) -> str:
    return guest.process.username


def models(guest: Guest) -> list[str]:
    return list(guest.models)


INTERFACE = Interface(
    name="pie:inferlet/runtime@0.1.0",
    functions={"version": version, "process-id": process_id, "username": username, "models": models},
)
