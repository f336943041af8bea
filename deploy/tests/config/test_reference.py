import re
from pathlib import Path

from pie_deploy.config.file import parse
from pie_deploy.config.reference import keys

DOCUMENT = Path(__file__).parents[3] / "docs" / "deployments_configuration.md"


def test_every_key_is_described() -> None:
    paths = [key.path for key in keys()]
    assert {"database", "api.port", "runtimes.NAME.memory_mb", "users.NAME.keys", "limits.connections"} <= set(paths)
    assert all(key.description for key in keys())


def test_the_documents_example_is_a_configuration() -> None:
    found = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    config = parse(found[1])
    assert set(config.runtimes) == {"local", "small"}
