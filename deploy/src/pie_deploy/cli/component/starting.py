"""A component to start from, for each language. It works as it is, so that what one changes is what breaks."""

import re
from collections.abc import Mapping
from pathlib import Path

from pie_deploy.domain.manifest import NAME_PATTERN
from pie_deploy.errors import AlreadyExistsError, InvalidArgumentError, StorageError

PYTHON = {
    "component.yml": """\
name: {name}
language: py
summary: Says it louder.
worker:
  entry: src/main.py
  input_types: [String]
  output_types: [String]
  config_schema:
    mark: {{type: String, default: '"!"', mutable: true, description: What stands at the end.}}
http:
  text: {{direction: ingress, transports: [http], type: String, into: 0, respond: result}}
  result: {{direction: egress, transports: [http, sse], type: String, of: 0}}
""",
    "src/main.py": '''\
"""Says it louder."""

from pie_component import config, run


def louder(text: str) -> str:
    return text.upper() + config.mark


run(louder)
''',
    "README.md": "# {name}\n\nSays it louder. Try it: `echo '\"hello\"' | pie component test .`\n\n"
    "What it imports besides pie_component belongs into `requirements.txt`, pinned: `numpy==2.2.1`.\n",
}
INFERLET = {
    "component.yml": """\
name: {name}
language: inferlet
summary: Runs a program on an engine for each message.
worker:
  inferlet: {{program: text-completion@0.1.0}}
  input_types: ["{{prompt: String}}"]
  output_types: [String]
  config_schema:
    engine: {{type: String, default: '"ws://127.0.0.1:8080"', description: 'The engine, as `pie serve` shows it.'}}
http:
  text: {{direction: ingress, transports: [http], type: "{{prompt: String}}", into: 0, respond: result}}
  result: {{direction: egress, transports: [http, sse], type: String, of: 0}}
""",
    "README.md": "# {name}\n\nRuns a program on an engine for each message. Start an engine with `pie serve`.\n",
}
COMMAND = {
    "component.yml": """\
name: {name}
language: command
summary: Serves the files of its folder.
worker:
  argv: [python3, -m, http.server, "{{port:web}}", --bind, 127.0.0.1]
http:
  web: {{direction: ingress, transports: [http]}}
""",
    "README.md": "# {name}\n\nA command with an HTTP endpoint: the gateway passes requests on to its port.\n",
}
LANGUAGES: Mapping[str, Mapping[str, str]] = {"py": PYTHON, "inferlet": INFERLET, "command": COMMAND}


def make(name: str, folder: Path, language: str) -> Path:
    """Write the files. Raises InvalidArgumentError, AlreadyExistsError, StorageError."""
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise InvalidArgumentError(
            f"{name!r} cannot be a component's name: lower-case letters, digits, '-' and '_', a letter first"
        )
    if language not in LANGUAGES:
        raise InvalidArgumentError(f"there is no language {language!r}; there are {', '.join(LANGUAGES)}")
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise AlreadyExistsError(f"{folder} is there already")
    for path, text in LANGUAGES[language].items():
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text.format(name=name), encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{target}: cannot be written: {error.strerror}") from error
    return folder
