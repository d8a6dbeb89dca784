"""command: runs a program in a container, and looks at how it ends. No shell is in between.

The container is there already, or is one of the author's, in a Job beside the workload for as long as the run lasts.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Self

from pydantic import Field, FiniteFloat, ValidationError, model_validator

from gate.documents.blocks import Block, Expectation, shown_as
from gate.documents.units import Lasting
from gate.documents.variables import FACTS
from gate.errors import Absent, GateError, NoProgram, Permanent
from gate.probes.conditions import Bounds, finite, said
from gate.probes.patterns import Pattern, is_found
from gate.running import companions
from gate.running.aside import Aside
from gate.running.companions import Companion, Outfit
from gate.running.ports import Answer, Asker, NoSample, Surroundings

Json = dict[str, Any]


class Settings(Block):
    """What is run, and where: always in the namespace of the judged workload."""

    model_config = shown_as({"run": ["redis-cli", "ping"], "labels": {"app": "orders"}, "container": "redis"})

    run: list[str] = Field(
        min_length=1, description="The program and its arguments.", examples=[["redis-cli", "llen", "orders"]]
    )
    container: str = Field(default="", description="The container in which it is run.", examples=["checkout"])
    pod: str = Field(default="", description="The name of its pod; or else", examples=["checkout-0"])
    labels: dict[str, str] = Field(
        default={}, description="the labels of pods, of which a ready one is taken; or", examples=[{"app": "checkout"}]
    )
    image: str = Field(
        default="",
        description="the image of a container of its own, which has `sleep`.",
        examples=["registry.example/team/tool:1.4"],
    )
    begins: Lasting = Field(default=timedelta(minutes=1), description="How long that may take until it runs.")
    timeout: Lasting = Field(default=timedelta(seconds=5), description="How long it may take.")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if sum(map(bool, (self.pod, self.labels, self.image))) != 1:
            raise ValueError("say either pod, or labels, or image")
        if bool(self.container) == bool(self.image):
            raise ValueError("a pod needs a container, which one of an image has already")
        if not self.run[0]:
            raise ValueError("run begins with the name of a program")
        return self


class Expect(Expectation, Bounds):
    """What it must have written, if it ended well."""

    output: Pattern | None = Field(
        default=None,
        description="A regular expression that is found in its output, without the last line break.",
        examples=["^0$"],
    )
    equals: FiniteFloat | None = Field(default=None, description="The number that its output must be.", examples=[3])

    @property
    def gives_number(self) -> bool:
        return self.bounded or self.equals is not None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.equals is not None and self.bounded:
            raise ValueError("equals leaves nothing to atLeast and atMost; say one of them")
        return self


def prepare(settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
    """Raises `Permanent` for blocks that do not have the form."""
    try:
        wanted, expected = Settings.model_validate(settings), Expect.model_validate(expect)
    except ValidationError as error:
        raise Permanent(f"the command probe cannot be asked: {error}") from error
    cluster, namespace = surroundings.cluster, surroundings.namespace
    own = companions.begin(surroundings, _idle(wanted, surroundings)) if wanted.image else None
    container = wanted.container or companions.CONTAINER
    aside = Aside(f"{wanted.run[0]} in {container}")

    def run() -> str | None:
        """What it wrote; None if there is no container in which it could run."""
        running = [pod for pod in _pods(wanted, own, surroundings) if _runs(pod, container)]
        if not running:
            return None
        best = min(running, key=lambda pod: (not _is_ready(pod), pod["metadata"]["name"]))
        return cluster.execute(namespace, best["metadata"]["name"], container, wanted.run, changing=False)

    def ask() -> Answer | NoSample:
        try:
            output = aside.wait_for(run, wanted.timeout.total_seconds())
        except Permanent as error:
            if isinstance(error, Absent | NoProgram):  # the pod went between two requests, or has no such program
                return NoSample(why=str(error))
            return Answer(ok=False, detail=" ".join(str(error).split()))
        except GateError as error:
            return NoSample(why=str(error))
        if output is None and own is not None:  # that says nothing about the service
            return NoSample(why=f"its container of {wanted.image} does not run any more")
        if output is None:
            return Answer(ok=False, detail=f"no container {container} runs in {wanted.pod or 'such a pod'}")
        return judged(expected, output)

    return ask


def _pods(wanted: Settings, own: Companion | None, around: Surroundings) -> Sequence[Json]:
    """Those in one of which it is run. Raises `GateError`."""
    if own is not None:
        pod = own.pod()
    elif wanted.pod:
        pod = around.cluster.get("pods", around.namespace, wanted.pod)
    else:
        labels = ",".join(f"{name}={value}" for name, value in wanted.labels.items())
        return around.cluster.list("pods", around.namespace, labels=labels)[0]
    return [] if pod is None else [pod]


def _idle(wanted: Settings, around: Surroundings) -> Outfit:
    """A container that waits to be asked in."""
    left = around.deadline - around.clock.now() if around.deadline else timedelta(hours=1)
    seconds = int((left + companions.LONGER).total_seconds())
    facts = {f"{FACTS}RUN": around.run, f"{FACTS}NAMESPACE": around.namespace}
    return Outfit(image=wanted.image, command=["sleep", str(seconds)], variables=facts, begins=wanted.begins)


def judged(expect: Expect, output: str) -> Answer:
    """What the output says."""
    if expect.output is not None and not is_found(expect.output, output.removesuffix("\n")):
        return Answer(ok=False, detail=f"the output {said(output.strip())} does not match {expect.output}")
    if not expect.gives_number:
        return Answer(ok=True)
    try:
        number = float(output)
    except ValueError:
        return Answer(ok=False, detail=f"the output {said(output.strip())} is not a number")
    why = expect.out(number)
    if expect.equals is not None and number != expect.equals:
        why = f"is {number:g}, not {expect.equals:g}"
    return Answer(ok=not why, detail=why and f"the output {why}", value=finite(number))


def _runs(pod: Json, container: str) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    going = "deletionTimestamp" in pod["metadata"]
    return not going and any(each["name"] == container and "running" in (each.get("state") or {}) for each in statuses)


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
