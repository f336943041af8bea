"""The reference of the platform's REST API, made from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any

from pie_deploy.api.app import openapi
from pie_deploy.api.refusals import STATUSES
from pie_deploy.domain.role import Permission, Reach, Role, reach

_REACHES: Mapping[Reach, str] = {
    Reach.EVERYWHERE: "yes",
    Reach.SHARED: "workspace, own leases",
    Reach.LEASE: "own leases",
    Reach.NOWHERE: "",
}


def markdown() -> str:
    """Who may do what, every route, and every error code with its status."""
    return "\n".join([*_roles(), *_routes(openapi()), *_codes()]) + "\n"


def _roles() -> Iterator[str]:
    yield from ("### Roles", "", f"| permission | {' | '.join(Role)} |", "|---|" + "---|" * len(Role))
    for permission in Permission:
        yield f"| `{permission}` | {' | '.join(_REACHES[reach(role, permission)] for role in Role)} |"
    yield ""


def _routes(document: Mapping[str, Any]) -> Iterator[str]:
    nouns: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            nouns.setdefault(operation["tags"][0], []).append(_row(path, method, operation))
    for noun, rows in nouns.items():
        yield from (f"### {noun}", "", "| route | needs | takes | what |", "|---|---|---|---|", *rows, "")


def _row(path: str, method: str, operation: Mapping[str, Any]) -> str:
    summary = " ".join(operation["summary"].split()).replace("|", "\\|")
    needs = f"`{permission}`" if (permission := operation.get("x-permission")) else ""
    return f"| `{method.upper()} {path}` | {needs} | {', '.join(_inputs(operation))} | {summary} |"


def _inputs(operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "path":
            text = parameter["name"] if parameter["in"] == "header" else f"?{parameter['name']}"
            yield f"`{text}`" + (" (required)" if parameter["required"] else "")
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        yield f"`{schema['$ref'].rpartition('/')[2]}`" if "$ref" in schema else f"`{media_type}`"


def _codes() -> Iterator[str]:
    yield from ("### Error codes", "", "| code | status |", "|---|---|")
    yield from (f"| `{code}` | {status} |" for code, status in STATUSES.items())
