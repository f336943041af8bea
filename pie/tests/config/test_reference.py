from pathlib import Path

from pie.config.reference import keys, markdown

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_every_key_has_a_description() -> None:
    assert all(key.description.endswith(".") for key in keys())


def test_keys_are_named_by_their_path() -> None:
    assert {"runtime.allow_fs", "model.name", "model.driver.device", "model.driver.options.threads"} <= {key.path for key in keys()}


def test_the_document_holds_the_table_of_keys() -> None:
    assert markdown() in DOCUMENT.read_text(), "run `make docs`"
