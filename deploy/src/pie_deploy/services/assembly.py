"""All services of a platform, on one store."""

from collections.abc import Callable
from dataclasses import dataclass

from pie_deploy.clock import Clock
from pie_deploy.config import Home
from pie_deploy.limits import EVENTS_KEPT_NS
from pie_deploy.ports.store import Store
from pie_deploy.services.audit import Audit
from pie_deploy.services.backend import Backends
from pie_deploy.services.blobs import Blobs
from pie_deploy.services.component import Components
from pie_deploy.services.container import Containers
from pie_deploy.services.deployment import Deployments
from pie_deploy.services.file import Files
from pie_deploy.services.heads import Heads
from pie_deploy.services.ids import NewId, new_id
from pie_deploy.services.key import Keys
from pie_deploy.services.lease import Leases
from pie_deploy.services.ledger import Ledger
from pie_deploy.services.pruning import Pruning
from pie_deploy.services.runtime import Runtimes
from pie_deploy.services.type import Types
from pie_deploy.services.wakeup import Wakeup


@dataclass(frozen=True, slots=True)
class Services:
    components: Components
    backends: Backends
    deployments: Deployments
    containers: Containers
    runtimes: Runtimes
    leases: Leases
    files: Files
    types: Types
    audit: Audit
    keys: Keys
    blobs: Blobs
    pruning: Pruning
    wakeup: Wakeup

    def sweep(self) -> int:
        """Remove from the disk what no row refers to. To be called at the start, before anything else. Returns how much there
        was.
        """
        return self.files.sweep() + self.components.sweep()


def assemble(
    store: Store,
    home: Home,
    clock: Clock,
    *,
    mac_key: bytes,
    gateway_url: Callable[[], str],
    wakeup: Wakeup | None = None,
    new_id: NewId = new_id,
    keep_events_ns: int = EVENTS_KEPT_NS,
) -> Services:
    """Services over a store and the folders of a home.

    mac_key: of the forwarding tokens (`services.mac_key.load`). gateway_url: where the gateway listens,
    `http://127.0.0.1:8081`; asked when a URL is shown, so it need not be known yet.
    """
    wakeup = wakeup or Wakeup()
    ledger = Ledger(store, clock, wakeup, new_id)
    heads = Heads(ledger)
    blobs = Blobs(home.blobs)
    components = Components(ledger, blobs, home)
    return Services(
        components=components,
        backends=Backends(ledger, heads, mac_key, gateway_url),
        deployments=Deployments(ledger, heads),
        containers=Containers(ledger),
        runtimes=Runtimes(ledger),
        leases=Leases(ledger, blobs, heads),
        files=Files(ledger, blobs, heads),
        types=Types(),
        audit=Audit(ledger),
        keys=Keys(ledger),
        blobs=blobs,
        pruning=Pruning(store, blobs, components, keep_events_ns=keep_events_ns),
        wakeup=wakeup,
    )
