"""kubernetes: looks at one field of an object, such as how many replicas of a Deployment are ready."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from gate.documents.blocks import Block, Expectation
from gate.errors import GateError, Permanent
from gate.running.ports import Answer, Asker, Cluster, NoSample, Surroundings

Plain = str | int | float | bool


class Settings(Block):
    """Which object."""

    resource: Literal["deployments", "replicasets", "pods", "services", "configmaps", "leases", "events"] = Field(
        description="The plural of its kind.", examples=["deployments"]
    )
    name: str = Field(min_length=1, description="Its name.")
    namespace: str = Field(default="", description="Its namespace; that of the judged workload if left out.")


class Expect(Expectation):
    """Which field, and what it must be. A field that is not there is no number and equals nothing."""

    field: str = Field(pattern=r"^[A-Za-z][\w.-]*$", description="The way to it.", examples=["status.readyReplicas"])
    equals: Plain | None = Field(default=None, description="What it must be.")
    at_least: float | None = Field(default=None, description="The least that it must be.")

    @property
    def gives_number(self) -> bool:
        return self.at_least is not None or (isinstance(self.equals, int | float) and not isinstance(self.equals, bool))

    @model_validator(mode="after")
    def _one(self) -> "Expect":
        if (self.equals is None) == (self.at_least is None):
            raise ValueError("say either equals or atLeast")
        return self


def prepare(settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
    """Raises `Permanent` for blocks that do not have the form."""
    try:
        wanted, expected = Settings.model_validate(settings), Expect.model_validate(expect)
    except ValidationError as error:
        raise Permanent(f"the kubernetes probe cannot be asked: {error}") from error
    namespace = wanted.namespace or surroundings.namespace
    cluster: Cluster = surroundings.cluster

    def ask() -> Answer | NoSample:
        try:
            found = cluster.get(wanted.resource, namespace, wanted.name)
        except GateError as error:
            return NoSample(why=str(error))  # that says nothing about the service
        if found is None:
            return Answer(ok=False, detail=f"there is no {wanted.resource} {namespace}/{wanted.name}")
        return _judged(expected, _at(found, expected.field))

    return ask


def _judged(expect: Expect, value: Any) -> Answer:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if expect.at_least is not None:
        good = number is not None and number >= expect.at_least
        return Answer(
            ok=good, detail="" if good else f"{expect.field} is {value}, less than {expect.at_least:g}", value=number
        )
    good = value == expect.equals and isinstance(value, bool) == isinstance(expect.equals, bool)
    return Answer(ok=good, detail="" if good else f"{expect.field} is {value}, not {expect.equals}", value=number)


def _at(value: Any, way: str) -> Any:
    for part in way.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
