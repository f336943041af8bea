"""What is said about a field that is not there: which there are at that place."""

from collections.abc import Callable

import pytest

from pie_deploy.domain.graph_document import parse_document
from pie_deploy.domain.live_test import parse_live_test
from pie_deploy.domain.manifest import parse_manifest
from pie_deploy.domain.manifest_structs import NAME_RULE
from pie_deploy.errors import ManifestError

UNKNOWN: dict[str, tuple[Callable[[str], object], str, str]] = {
    "at the root": (parse_document, "vertice: {}", "did you mean vertices? there are aliases, description, edges, name, vertices"),
    "in a mapping": (parse_document, "vertices: {a: {componet: x}}", "did you mean component? there are component, files, label, "),
    "in an optional struct": (parse_live_test, "{name: a, backend: {frok: x}}", "did you mean fork? there are at, fork"),
    "in a list": (parse_live_test, "{name: a, steps: [{sned: {}}]}", "did you mean send? there are expect, expect_file, "),
    "deep": (parse_manifest, "{name: a, worker: {config_schema: {x: {tpye: Int64}}}}", "did you mean type? there are "),
    "no name": (parse_document, "{vertices: {a: {transformation: tee}}, aliases: {a.b: Text}}", NAME_RULE),
}


@pytest.mark.parametrize(("parse", "text", "hint"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_the_fields_at_that_place_are_named(parse: Callable[[str], object], text: str, hint: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        parse(text)
    assert refusal.value.hint.startswith(hint)


def test_what_is_wrong_otherwise_needs_no_names() -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_document("{name: 5}")
    assert refusal.value.hint == ""
