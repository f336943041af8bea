"""What may land while a deployment is live."""

import pytest
from graph_fixtures import known_shapes, new_head, transform, wire, wordcount

from pie_deploy.domain.lock import allowed_while_live
from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    DeleteVertex,
    Describe,
    Disconnect,
    Input,
    MoveVertex,
    Operation,
    Output,
    RemoveFile,
    RenameBackend,
    RenameVertex,
    RestoreVertex,
    RotateEndpoint,
    SetNote,
)

REJECTED: dict[str, Operation] = {
    "add-vertex": AddVertex(vertex="other", component="cv-count"),
    "delete-vertex": DeleteVertex(vertex="count"),
    "restore-vertex": RestoreVertex(vertex="other", component="cv-count"),
    "connect": wire("tokenise.0 count.0"),
    "disconnect": Disconnect(output=Output("tokenise"), input=Input("count")),
    "change-version": ChangeVersion(vertex="tokenise", component="cv-tokenise-2"),
    "alias": ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="text"),
    "no alias": ChangeEndpointAlias(vertex="tokenise", endpoint="text"),
    "non-mutable parameter": ChangeParameter(vertex="tokenise", name="separator", value='"-"'),
    "unknown parameter": ChangeParameter(vertex="tokenise", name="none", value="1"),
    "unknown vertex": ChangeParameter(vertex="nobody", name="lower", value="true"),
    "non-mutable file": AddFile(vertex="tokenise", slot="words", file="f-text"),
    "removed non-mutable file": RemoveFile(vertex="tokenise", slot="words"),
    "unknown file slot": AddFile(vertex="tokenise", slot="none", file="f-text"),
    "parameter of a transformation that decides its slots": ChangeParameter(vertex="copy", name="size", value="3"),
}
ALLOWED: dict[str, Operation] = {
    "mutable parameter": ChangeParameter(vertex="tokenise", name="lower", value="false"),
    "mutable parameter back to its default": ChangeParameter(vertex="tokenise", name="lower"),
    "mutable file": AddFile(vertex="tokenise", slot="stopwords", file="f-text"),
    "removed mutable file that is not required": RemoveFile(vertex="tokenise", slot="stopwords"),
    "mutable parameter of a transformation": ChangeParameter(vertex="one", name="value", value="2"),
    "rename-vertex": RenameVertex(vertex="tokenise", label="x"),
    "move-vertex": MoveVertex(vertex="tokenise", position=(0, 0)),
    "set-note": SetNote(vertex="tokenise", note="x"),
    "rename-backend": RenameBackend(name="x"),
    "describe": Describe(description="x"),
    "rotate-endpoint": RotateEndpoint(vertex="tokenise", endpoint="text"),
}


def allowed(operation: Operation) -> bool:
    head = new_head(*wordcount(), transform("one", "constant", type='"Int64"', value="1"), transform("copy", "tee"))
    shapes = known_shapes()
    assert allowed_while_live(head, operation, shapes) == allowed_while_live(head.graph(), operation, shapes)
    return allowed_while_live(head, operation, shapes)


@pytest.mark.parametrize("operation", REJECTED.values(), ids=REJECTED.keys())
def test_R07_a_change_of_topology_is_rejected_while_live(operation: Operation) -> None:
    assert not allowed(operation)


@pytest.mark.parametrize("operation", ALLOWED.values(), ids=ALLOWED.keys())
def test_R05_a_mutable_value_and_what_no_container_notices_may_change_while_live(operation: Operation) -> None:
    assert allowed(operation)
