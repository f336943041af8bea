"""What the shell offers for a name. Silent when the platform does not answer: nobody waits for a suggestion."""

from pie_deploy.errors import DeployError


def backend_names(incomplete: str) -> list[str]:
    return _names("backends", incomplete)


def container_names(incomplete: str) -> list[str]:
    """`wordcount/tokenise`: vertices once the backend is there, backends before."""
    backend, slash, _ = incomplete.partition("/")
    if not slash:
        return [f"{name}/" for name in backend_names(incomplete)]
    return [
        name for name in (f"{backend}/{vertex}" for vertex in _names("deployments", "", backend)) if name.startswith(incomplete)
    ]


def runtime_names(incomplete: str) -> list[str]:
    return _names("runtimes", incomplete)


def component_names(incomplete: str) -> list[str]:
    return _names("components", incomplete)


def file_names(incomplete: str) -> list[str]:
    return _names("files", incomplete)


def type_names(incomplete: str) -> list[str]:
    return _names("types", incomplete)


def _names(kind: str, incomplete: str, deployment: str = "") -> list[str]:
    from pie_deploy.cli.client import at, connect

    try:
        with connect() as client:
            rows = client.items(at(kind, deployment, "containers") if deployment else at(kind), dict[str, object])
    except DeployError:
        return []
    names = dict.fromkeys(str(row.get("vertex" if deployment else "name", "")) for row in rows)
    return [name for name in names if name.startswith(incomplete)]
