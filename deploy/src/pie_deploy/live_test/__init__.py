"""Live tests: a lease, a candidate, a graph, a deployment, what goes in and what must come out. A client of the API and gateway."""

from pie_deploy.live_test.api import Api
from pie_deploy.live_test.events import Event
from pie_deploy.live_test.runner import run_live_test
from pie_deploy.live_test.site import Packed

__all__ = ["Api", "Event", "Packed", "run_live_test"]
