"""The verbs of the platform. `pie` finds them through the entry point group `pie.verbs` and imports a verb's module when it is
used.
"""

from collections.abc import Mapping

VERBS: Mapping[str, str] = {}
"""The verbs and what they are for. The module `pie_deploy.cli.<verb>` has an `app`, a `typer.Typer`."""
