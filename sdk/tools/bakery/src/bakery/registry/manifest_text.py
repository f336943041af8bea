"""A manifest as TOML, for versions that were published by fields: clients of Pie 0.4 send no `Pie.toml`."""

import json
from collections.abc import Iterator, Mapping

from pie_wire.manifest import Manifest, Package, Parameter


def manifest_text(manifest: Manifest) -> str:
    """TOML that `pie_wire.manifest.parse` reads back as the same manifest. Empty fields are left out."""
    return "\n".join(_lines(manifest)) + "\n"


def _lines(manifest: Manifest) -> Iterator[str]:
    yield "[package]"
    yield from _package(manifest.package)
    for title, entries in (("runtime", manifest.runtime), ("dependencies", manifest.dependencies)):
        yield from _table(title, {key: _quoted(value) for key, value in entries.items()})
    yield from _table("parameters", {key: _parameter(value) for key, value in manifest.parameters.items()})


def _package(package: Package) -> Iterator[str]:
    for field in ("name", "version", "description", "repository", "readme"):
        if value := getattr(package, field):
            yield f"{field} = {_quoted(value)}"
    for field in ("authors", "keywords"):
        if values := getattr(package, field):
            yield f"{field} = [{', '.join(map(_quoted, values))}]"


def _table(title: str, entries: Mapping[str, str]) -> Iterator[str]:
    if entries:
        yield ""
        yield f"[{title}]"
        yield from (f"{_quoted(key)} = {value}" for key, value in entries.items())


def _parameter(parameter: Parameter) -> str:
    fields = [f"type = {_quoted(parameter.type)}"]
    if parameter.optional:
        fields.append("optional = true")
    if parameter.description:
        fields.append(f"description = {_quoted(parameter.description)}")
    return f"{{ {', '.join(fields)} }}"


def _quoted(text: str) -> str:
    """JSON's escapes are TOML's too, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
