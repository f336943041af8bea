"""What of a changed configuration takes effect in a running server, and what waits for the next start. Pure."""

from dataclasses import dataclass

import msgspec

from pie.config.config import Config

LIVE = frozenset(
    {
        "limits",
        "openai",
        "runtime.allow_fs",
        "runtime.fs_scratch_dir",
        "runtime.max_upload_mb",
        "server.grace_s",
        "server.registry",
        "server.verbose",
    }
)
"""Keys, and whole tables, that running parts look at each time they need them."""


@dataclass(frozen=True, slots=True)
class Reload:
    config: Config
    """The old configuration with what takes effect of the new one."""
    taken: list[str]
    """Keys that changed and take effect."""
    left: list[str]
    """Keys that changed and need a restart."""


def reload(old: Config, new: Config) -> Reload:
    config, taken, left = old, [], []
    for table, key in _changed(old, new):
        path = f"{table}.{key}"
        if table in LIVE or path in LIVE:
            taken.append(path)
            config = _with(config, table, key, getattr(getattr(new, table), key))
        else:
            left.append(path)
    if old.models != new.models:
        left.append("model")
    return Reload(config, taken, left)


def _changed(old: Config, new: Config) -> list[tuple[str, str]]:
    """Tables and keys that are not the same; the models are no table."""
    tables = [table for table in Config.__struct_fields__ if table != "models"]
    return [
        (table, key)
        for table in tables
        for key in getattr(old, table).__struct_fields__
        if getattr(getattr(old, table), key) != getattr(getattr(new, table), key)
    ]


def _with(config: Config, table: str, key: str, value: object) -> Config:
    changed = msgspec.structs.replace(getattr(config, table), **{key: value})
    return msgspec.structs.replace(config, **{table: changed})
