"""Writes the generated parts of the documentation: `python -m docs.generate`. Tests check that they are up to date."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.command_line import markdown as command_line
from docs.platform_api import markdown as platform_routes
from pie.config.reference import markdown as configuration_keys
from pie_deploy.config.reference import markdown as platform_keys

FOLDER = Path(__file__).parent
PARTS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "configuration.md": ("keys", configuration_keys),
    "cli.md": ("commands", command_line),
    "deployments_configuration.md": ("platform keys", platform_keys),
    "deployments_api.md": ("platform routes", platform_routes),
}


def generated(file: str) -> str:
    """A document's text with its generated part made anew."""
    part, content = PARTS[file]
    pattern = re.compile(rf"(<!-- generated: {part} -->\n).*?(<!-- end -->)", re.DOTALL)
    return pattern.sub(lambda match: match[1] + content() + match[2], (FOLDER / file).read_text())


def main() -> None:
    for file in PARTS:
        (FOLDER / file).write_text(generated(file))


if __name__ == "__main__":
    main()
