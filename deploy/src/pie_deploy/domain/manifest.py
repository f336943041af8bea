"""The component manifest, `component.yml`: the only authoritative description of a component.

name: tokenise
language: py                      # py | inferlet | command
summary: Splits text into words.
worker:
  entry: src/main.py              # py
  input_types: [String]
  output_types: ["[String]"]
  config_schema:
    lower: {type: Bool, default: "true", mutable: true}
  file_schema:
    stopwords: {type: text, required: false}
  generated_file_schema:
    report: {type: text}
  resources: {cpu: 0.1, memory: 64MiB}
http:
  text: {direction: ingress, transports: [http], type: String, into: 0, respond: counts}
"""

from itertools import islice
from typing import Any

from pie_deploy.domain.fields import FieldError, convert
from pie_deploy.domain.manifest_checks import faults
from pie_deploy.domain.manifest_structs import (
    NAME_PATTERN,
    NAME_RULE,
    ComponentManifest,
    Endpoint,
    FileSlot,
    GeneratedFile,
    InferletBinding,
    Language,
    Name,
    Parameter,
    Resources,
    Worker,
)
from pie_deploy.domain.yaml_text import load_yaml
from pie_deploy.errors import Detail, ManifestError
from pie_deploy.limits import MANIFEST_BYTES_MAX, PROBLEMS_MAX

__all__ = [
    "NAME_PATTERN",
    "NAME_RULE",
    "ComponentManifest",
    "Endpoint",
    "FileSlot",
    "GeneratedFile",
    "InferletBinding",
    "Language",
    "Name",
    "Parameter",
    "Resources",
    "Worker",
    "parse_manifest",
]

FILE_NAME = "component.yml"


def parse_manifest(text: str | bytes) -> ComponentManifest:
    """The manifest that a `component.yml` describes, with nothing in it that could be wrong later on its own.

    Types and literals are parsed, positions are in range, sizes and durations are ones. An endpoint that brings or shows a
    position's values has that position's type unless it says otherwise. Raises ManifestError: the message names the first field
    that is wrong, `details` has all.
    """
    value = load_yaml(text, FILE_NAME, bytes_max=MANIFEST_BYTES_MAX)
    if isinstance(value, dict):
        _complete(value)
    try:
        manifest = convert(value, ComponentManifest)
    except FieldError as error:
        raise ManifestError(f"{FILE_NAME}: {error}", hint=error.hint) from error
    found = [
        Detail(code=ManifestError.code, message=message, subject=field) for field, message in islice(faults(manifest), PROBLEMS_MAX)
    ]
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise ManifestError(f"{FILE_NAME}: {found[0].subject}: {found[0].message}{more}", found)
    return manifest


def _complete(value: dict[str, Any]) -> None:
    """Put in what a person may leave out: the quotes of a default that is a number or a truth value, an endpoint's type."""
    worker = _mapping(value.get("worker"))
    for parameter in map(_mapping, _mapping(worker.get("config_schema")).values()):
        if isinstance(parameter.get("default"), bool | int | float):
            parameter["default"] = literal_text(parameter["default"])
    for endpoint in map(_mapping, _mapping(value.get("http")).values()):
        for key, types in (("into", worker.get("input_types")), ("of", worker.get("output_types"))):
            position = endpoint.get(key)
            if isinstance(position, int) and isinstance(types, list) and 0 <= position < len(types):
                endpoint.setdefault("type", types[position])


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def literal_text(value: bool | int | float) -> str:
    """The literal of a value that YAML has read."""
    return str(value).lower() if isinstance(value, bool) else repr(value)
