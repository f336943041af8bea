"""The configuration's keys as a list, for the template file and the documentation."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import inspect

from pie.config.config import EMBEDDED_MODEL, Config


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    table: str
    """The table it stands in, such as `[model.driver]`."""
    name: str
    default: str
    """As TOML; empty if the key is required."""
    allowed: str
    description: str

    @property
    def path(self) -> str:
        return f"{self.table}.{self.name}"


def keys() -> list[Key]:
    """All keys, table by table."""
    root = inspect.type_info(Config)
    assert isinstance(root, inspect.StructType)
    return list(_keys(root, ""))


def template() -> str:
    """A configuration file to start from: pie-tiny, and every other key with its default, commented out."""
    lines = ["# Pie's configuration. What is commented out is the default."]
    table = None
    for key in keys():
        if key.table != table:
            table = key.table
            lines += ["", "[[model]]" if table == "model" else f"[{table}]"]
        lines.append(f"# {key.description}" + ("" if key.allowed == "text" else f" {key.allowed.capitalize()}."))
        lines.append(f"# {key.name} = {key.default}" if key.default else f'{key.name} = "{EMBEDDED_MODEL}"')
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """The keys as a table for docs/configuration.md."""
    lines = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for key in keys():
        default = f"`{key.default}`" if key.default else "required"
        lines.append(f"| `{key.path}` | {default} | {key.allowed} | {key.description} |")
    return "\n".join(lines) + "\n"


def _keys(struct: inspect.StructType, table: str) -> Iterator[Key]:
    """A table's own keys first, then those of the tables below it, as TOML wants them."""
    below: list[tuple[inspect.StructType, str]] = []
    for field in struct.fields:
        path = f"{table}.{field.encode_name}".lstrip(".")
        if inner := _struct(field.type):
            below.append((inner, path))
        else:
            yield _key(field, table)
    for inner, path in below:
        yield from _keys(inner, path)


def _struct(node: inspect.Type) -> inspect.StructType | None:
    if isinstance(node, inspect.Metadata):
        return _struct(node.type)
    if isinstance(node, inspect.VarTupleType):
        return _struct(node.item_type)
    return node if isinstance(node, inspect.StructType) else None


def _key(field: inspect.Field, table: str) -> Key:
    node = field.type
    assert isinstance(node, inspect.Metadata), f"{field.name} is documented"
    schema = node.extra_json_schema or {}
    return Key(
        table, field.encode_name, _toml(field.default), _allowed(node.type, schema.get("examples", [])), schema["description"]
    )


def _toml(value: object) -> str:
    return "" if value is msgspec.NODEFAULT else msgspec.json.encode(value).decode()


def _allowed(node: inspect.Type, examples: list[str]) -> str:
    if isinstance(node, inspect.LiteralType):
        return " or ".join(f'`"{value}"`' for value in node.values)
    if isinstance(node, (inspect.IntType, inspect.FloatType)):
        return _range(node)
    if isinstance(node, inspect.BoolType):
        return "`true` or `false`"
    assert isinstance(node, inspect.StrType)
    return f"like {', '.join(f'`{example}`' for example in examples)}" if examples else "text"


def _range(node: inspect.IntType | inspect.FloatType) -> str:
    low = f"{node.ge} or more" if node.gt is None else f"more than {node.gt}"
    return low if node.le is None else f"{node.ge} to {node.le}"
