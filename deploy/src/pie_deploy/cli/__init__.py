"""The verbs of the platform. `pie` finds them through the entry point group `pie.verbs` and imports a verb's module when it is
used.
"""

from collections.abc import Mapping

VERBS: Mapping[str, str] = {
    "up": "Start the deployment platform on this machine.",
    "down": "Stop the deployment platform.",
    "status": "Show the platform: runtimes, deployments, what is wrong.",
    "component": "Make, publish and promote components.",
    "backend": "Typed graphs of components: edit, deploy, fork.",
    "deployment": "What runs: list, show, wait, events.",
    "container": "The containers of a deployment and their logs.",
    "runtime": "Where deployments run: list, create, lock, drain.",
    "lease": "Scopes for short-lived runs and live tests.",
    "file": "Files that are bound to vertices.",
    "key": "API keys of the platform: create, list, revoke.",
    "type": "The catalogue of types.",
}
"""The verbs and what they are for. The module `pie_deploy.cli.<verb>` has an `app`, a `typer.Typer`."""
