"""Types and the audit."""

import pytest
from service_platform import ALICE, ServicePlatform

from pie_deploy.errors import NotFoundError


def test_types_are_listed_by_name_and_shown(platform: ServicePlatform) -> None:
    types = platform.services.types
    names = [view.name for view in types.list(ALICE)]
    assert names == sorted(names)
    assert types.show(ALICE, "Maybe").parameters == ("t",)
    assert "width: UInt32" in types.show(ALICE, "Image").definition
    with pytest.raises(NotFoundError):
        types.show(ALICE, "Imagine")


def test_the_audit_is_read_in_parts_also_of_a_deleted_backend(platform: ServicePlatform) -> None:
    backends, audit = platform.services.backends, platform.services.audit
    backend = backends.create(ALICE, "words")
    backends.delete(ALICE, "words")
    first, second = audit.list(ALICE, backend=backend.id)
    assert [first.type, second.type] == ["backend.created", "backend.deleted"]
    assert audit.list(ALICE, after=first.seq, limit=0) == [second]
    with pytest.raises(NotFoundError):
        audit.list(ALICE, backend="words")
