"""What the shell offers for a name. Silent when the platform does not answer: nobody waits for a suggestion."""

from pie_deploy.errors import DeployError


def backend_names(incomplete: str) -> list[str]:
    return _names("backends", incomplete)


def _names(kind: str, incomplete: str) -> list[str]:
    from pie_deploy.cli.client import at, connect

    try:
        with connect() as client:
            rows = client.items(at(kind), dict[str, object])
    except DeployError:
        return []
    return [name for row in rows if (name := str(row.get("name", ""))).startswith(incomplete)]
