"""The OpenAPI document."""

import json

import pytest
import schemathesis
from api_serving import ApiServing
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from pie_deploy.api.app import openapi

DOCUMENT = openapi()
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]


async def test_it_is_served(api: ApiServing) -> None:
    assert await api.get("/schema/openapi.json") == json.loads(json.dumps(DOCUMENT))


def test_every_operation_has_a_name_of_its_own_and_a_summary() -> None:
    operations = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)


def test_every_resource_needs_a_key() -> None:
    for path, item in DOCUMENT["paths"].items():
        assert all(("security" in operation) == path.startswith("/v1/") for operation in item.values())


def test_bodies_are_described_as_they_are_decoded() -> None:
    append = DOCUMENT["components"]["schemas"]["AppendOperations"]
    assert append["additionalProperties"] is False and append["required"] == ["operations"]


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_no_request_is_answered_in_another_way_than_described(api_url: str, operation: schemathesis.schemas.APIOperation) -> None:
    @settings(
        max_examples=25,
        derandomize=True,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def is_as_described(case: schemathesis.Case) -> None:
        headers = {"authorization": "Bearer alice-key"}
        case.call_and_validate(base_url=api_url, checks=CHECKS, headers=headers, timeout=60)

    is_as_described()
