"""kubernetes: looks at objects: a field, a condition, how many pods are ready, which events came."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from gate.documents.blocks import Block, Expectation, shown_as
from gate.documents.units import Lasting
from gate.errors import GateError, Permanent
from gate.probes.conditions import Bounds, FieldCondition, Plain, finite, said
from gate.probes.patterns import Pattern
from gate.probes.recent import Recent
from gate.probes.ways import WayText
from gate.running.aside import Aside
from gate.running.ports import Answer, Asker, NoSample, Surroundings

Json = dict[str, Any]


class Settings(Block):
    """Which objects."""

    resource: Literal[
        "deployments",
        "statefulsets",
        "daemonsets",
        "replicasets",
        "rollouts",
        "horizontalpodautoscalers",
        "pods",
        "services",
        "configmaps",
        "leases",
        "events",
    ] = Field(description="The plural of their kind.", examples=["deployments"])
    name: str = Field(default="", description="The name of the one that is meant.", examples=["checkout"])
    labels: dict[str, str] = Field(
        default={}, description="Labels of those that are meant.", examples=[{"app": "checkout"}]
    )
    where: list[FieldCondition] = Field(default=[], description="What must hold for those that are meant.")
    within: Lasting | None = Field(default=None, description="Of events: only those that came so recently.")
    namespace: str = Field(
        default="", description="Their namespace; that of the judged workload if left out.", examples=["shop"]
    )
    timeout: Lasting = Field(default=timedelta(seconds=5), description="How long an answer may take.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name and self.labels:
            raise ValueError("a name leaves nothing to labels; say one of them")
        if self.within is not None and self.resource != "events":
            raise ValueError(f"within is for events; {self.resource} do not come and go")
        return self


class StatusCondition(Block):
    """A condition in an object's status."""

    type: str = Field(min_length=1, description="Which condition.", examples=["Ready", "Available"])
    status: str = Field(default="True", pattern="^(True|False|Unknown)$", description="What it must be.")
    reason: Pattern = Field(
        default="",
        description="A regular expression that is found in its reason.",
        examples=["MinimumReplicasAvailable"],
    )

    def broken_by(self, found: Json) -> str:
        """How an object breaks it; empty if it does not."""
        conditions = (found.get("status") or {}).get("conditions") or []
        here = next((each for each in conditions if each.get("type") == self.type), None)
        if here is None:
            return f"the condition {self.type} is not there"
        reason = here.get("reason", "")
        why = FieldCondition(field="reason", matches=self.reason).broken_by(reason)
        if here.get("status") == self.status and not why:
            return ""
        return f"the condition {self.type} is {said(here.get('status'))}{f' ({said(reason)})' if reason else ''}"


def _spelt_out(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class Count(Bounds):
    """How many."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.bounded:
            raise ValueError("says nothing; say one of atLeast, atMost")
        return self


class Expect(Expectation, Bounds):
    """What must hold for each of the objects, or for how many of them."""

    model_config = shown_as({"field": "status.readyReplicas", "atLeast": 2})

    field: WayText | None = Field(default=None, description="The way to a field.", examples=["status.readyReplicas"])
    equals: Plain | None = Field(default=None, description="What it must be.", examples=[3])
    matches: Pattern | None = Field(
        default=None, description="A regular expression that is found in it.", examples=["^ok"]
    )
    condition: Annotated[StatusCondition | None, BeforeValidator(_spelt_out)] = Field(
        default=None, description="A condition that must be True, by its type; or its type, status and reason."
    )
    count: Count | None = Field(
        default=None, description="For how many objects all of this must hold.", examples=[{"atLeast": 1}]
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.field is None and (self.bounded or self.equals is not None or self.matches is not None):
            raise ValueError("names no field to compare; for a number of objects write count: {atLeast: 2}")
        if self.field is None and self.condition is None and self.count is None:
            raise ValueError("says nothing; say one of field, condition, count")
        self.compared()
        return self

    def compared(self) -> FieldCondition | None:
        """The condition on the field, if there is one. Raises `ValueError` for one that says nothing."""
        if self.field is None:
            return None
        bounds = {"equals": self.equals, "matches": self.matches, "atLeast": self.at_least, "atMost": self.at_most}
        return FieldCondition.model_validate({"field": self.field, **bounds})

    @property
    def gives_number(self) -> bool:
        compared = self.compared()
        return self.count is not None or (compared is not None and compared.of_number)


def prepare(settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
    """Raises `Permanent` for blocks that do not have the form."""
    try:
        return _Asker(Settings.model_validate(settings), Expect.model_validate(expect), surroundings)
    except ValidationError as error:
        raise Permanent(f"the kubernetes probe cannot be asked: {error}") from error


class _Asker:
    """One probe, asked by many threads."""

    def __init__(self, settings: Settings, expect: Expect, surroundings: Surroundings) -> None:
        self._settings, self._expect, self._compared = settings, expect, expect.compared()
        self._cluster = surroundings.cluster
        self._namespace = settings.namespace or surroundings.namespace
        self._aside = Aside(f"the question for {settings.resource} to the Kubernetes API")
        self._recent = Recent(surroundings.clock, settings.within) if settings.resource == "events" else None

    def __call__(self) -> Answer | NoSample:
        try:
            found = self._aside.wait_for(self._find, self._settings.timeout.total_seconds())
        except GateError as error:
            return NoSample(why=str(error))  # that says nothing about the service
        if self._recent is not None:
            found = self._recent.among(found)
        meant = [each for each in found if not any(where.look(each)[0] for where in self._settings.where)]
        return self._counted(meant, self._expect.count) if self._expect.count else self._judged(meant)

    def _find(self) -> Sequence[Json]:
        wanted, cluster = self._settings, self._cluster
        if wanted.name:
            found = cluster.get(wanted.resource, self._namespace, wanted.name)
            return [] if found is None else [found]
        labels = ",".join(f"{name}={value}" for name, value in wanted.labels.items())
        found_ones, _ = cluster.list(wanted.resource, self._namespace, labels=labels)
        return [each for each in found_ones if "deletionTimestamp" not in each["metadata"]]

    def _counted(self, meant: Sequence[Json], count: Count) -> Answer:
        broken = [self._look(each)[0] for each in meant]
        number = broken.count("")
        why = count.out(number)
        other = next((each for each in broken if each), "")
        said_why = f"their number {why}{f': {other}' if other else ''}" if why else ""
        return Answer(ok=not why, detail=said_why, value=number)

    def _judged(self, meant: Sequence[Json]) -> Answer:
        if not meant:
            what = f" {self._settings.name}" if self._settings.name else " that is meant"
            return Answer(ok=False, detail=f"there is no {self._kind}{what} in {self._namespace}")
        looks = [self._look(each) for each in meant]
        names = (each["metadata"]["name"] for each in meant)
        first = next((f"{self._kind} {name}: {why}" for name, (why, _) in zip(names, looks, strict=True) if why), "")
        return Answer(ok=not first, detail=first, value=looks[0][1] if len(looks) == 1 else None)

    def _look(self, found: Json) -> tuple[str, float | None]:
        """What is wrong with the object, or nothing; and the number that was compared."""
        why, number = self._compared.look(found) if self._compared else ("", None)
        if self._expect.condition is not None:
            why = why or self._expect.condition.broken_by(found)
        return why, finite(number)

    @property
    def _kind(self) -> str:
        return self._settings.resource.removesuffix("s")
