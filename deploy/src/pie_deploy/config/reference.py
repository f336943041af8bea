"""The configuration's keys as a list, for the documentation."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import inspect

from pie_deploy.config.settings import Config


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    path: str
    """`api.port`, `runtimes.NAME.cpu`."""
    default: str
    """As YAML; empty: what the description says."""
    description: str


def keys() -> list[Key]:
    """All keys, section by section."""
    root = inspect.type_info(Config)
    assert isinstance(root, inspect.StructType)
    return list(_keys(root, ""))


def markdown() -> str:
    """The keys as a table."""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    lines += [f"| `{key.path}` | {f'`{key.default}`' if key.default else ''} | {key.description} |" for key in keys()]
    return "\n".join(lines) + "\n"


def _keys(struct: inspect.StructType, section: str) -> Iterator[Key]:
    for field in struct.fields:
        path = f"{section}.{field.encode_name}".lstrip(".")
        below, name = _section(field.type)
        if below is not None:
            yield from _keys(below, f"{path}.{name}".rstrip("."))
        else:
            yield Key(path, _yaml(field.default), _description(field.type, path))


def _section(node: inspect.Type) -> tuple[inspect.StructType | None, str]:
    """The struct that a key leads to, and what stands for the names between."""
    if isinstance(node, inspect.DictType):
        return _section(node.value_type)[0], "NAME"
    return (node if isinstance(node, inspect.StructType) else None), ""


def _description(node: inspect.Type, path: str) -> str:
    """Of the outermost annotation that has one."""
    if isinstance(node, inspect.UnionType):
        node = next(one for one in node.types if isinstance(one, inspect.Metadata))
    assert isinstance(node, inspect.Metadata), f"{path} is documented"
    text: str = (node.extra_json_schema or {})["description"]
    return text


def _yaml(default: object) -> str:
    return "" if default in (None, "", ()) or default is msgspec.NODEFAULT else msgspec.json.encode(default).decode().strip('"')
