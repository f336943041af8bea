"""Names of what rows mention by id: people think in names."""

from collections.abc import Mapping
from dataclasses import dataclass

from pie_deploy.cli.client import Client, at
from pie_deploy.domain.records import Backend, Runtime


@dataclass(frozen=True, slots=True)
class Names:
    backends: Mapping[str, str]
    runtimes: Mapping[str, str]

    def backend(self, id_: str) -> str:
        return self.backends.get(id_, id_)

    def runtime(self, id_: str) -> str:
        return self.runtimes.get(id_, id_)


def names_of(client: Client) -> Names:
    return Names(
        backends={row.id: row.name for row in client.items(at("backends"), Backend)},
        runtimes={row.id: row.name for row in client.items(at("runtimes"), Runtime)},
    )
