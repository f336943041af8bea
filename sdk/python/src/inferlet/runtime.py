"""The engine and this process."""

from inferlet import _host as host


def version() -> str:
    """The engine's version."""
    return str(host.runtime.version())


def instance_id() -> str:
    """The id of this process, a UUID."""
    return str(host.runtime.process_id())


def username() -> str:
    """Who launched this process."""
    return str(host.runtime.username())


def models() -> list[str]:
    """Names of the loaded models; the first is the default."""
    return list(host.runtime.models())
