"""The forms of the documents, which also are what a JSON Schema for editors is made from."""

from typing import Any

import pytest
from pydantic import BaseModel

from gate.documents.forms import SubscriptionForm, WorkflowForm


def fields(schema: dict[str, Any]) -> dict[str, Any]:
    """Every field of a schema and of all that it is made from."""
    parts = {"": schema, **schema.get("$defs", {})}
    return {f"{part}.{name}": each for part, of in parts.items() for name, each in of.get("properties", {}).items()}


@pytest.mark.parametrize("form", [SubscriptionForm, WorkflowForm])
def test_every_field_says_what_it_means(form: type[BaseModel]) -> None:
    found = fields(form.model_json_schema(by_alias=True))
    assert len(found) > 10
    assert [name for name, field in found.items() if not field.get("description")] == []


@pytest.mark.parametrize("form", [SubscriptionForm, WorkflowForm])
def test_no_part_of_a_document_takes_fields_that_it_does_not_know(form: type[BaseModel]) -> None:
    schema = form.model_json_schema(by_alias=True)
    parts = [part for part in (schema, *schema["$defs"].values()) if part["type"] == "object"]
    assert all(part["additionalProperties"] is False for part in parts)


def test_fields_are_named_as_authors_write_them() -> None:
    found = fields(WorkflowForm.model_json_schema(by_alias=True))
    assert {"WorkflowSpec.steadyState", "StepForm.with", ".apiVersion"} <= found.keys()
