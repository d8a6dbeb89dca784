"""job: a container of the author's sends what it likes, in a Job beside the workload, until it is told to end.

It may count for itself: what it leaves in its termination log when it ends is its summary.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from gate.documents.blocks import Block
from gate.documents.units import Lasting
from gate.documents.variables import FACTS, own_variables
from gate.errors import GateError, Permanent
from gate.running import companions
from gate.running.companions import Companion, Ended, Outfit
from gate.running.jobs import quoted
from gate.running.ports import LoadSummary, Surroundings

WORDS = 1000
"""Of a command and its arguments; what is longer belongs into the image."""


class InAContainer(Block):
    """A container that sends a load, whatever runs in it."""

    image: str = Field(
        min_length=1, description="The image of the container.", examples=["registry.example/team/tool:1.4"]
    )
    env: Annotated[dict[str, str], AfterValidator(own_variables)] = Field(
        default={}, description="Variables for it.", examples=[{"LEVEL": "2"}]
    )
    service_account: str = Field(
        default="", description="As whom it speaks to the API; as nobody if left out.", examples=["chaos"]
    )
    begins: Lasting = Field(default=timedelta(minutes=1), description="How long it may take until it runs.")

    def outfit(
        self, around: Surroundings, command: Sequence[str] = (), arguments: Sequence[str] = (), **more: str
    ) -> Outfit:
        facts = {f"{FACTS}RUN": around.run, f"{FACTS}NAMESPACE": around.namespace, **more}
        return Outfit(
            image=self.image,
            command=command,
            arguments=arguments,
            variables=self.env | facts,
            account=self.service_account,
            begins=self.begins,
        )


class Settings(InAContainer):
    """What is run, and what it says of itself."""

    command: list[str] = Field(
        default=[],
        max_length=WORDS,
        description="In the place of the image's entry point, word by word.",
        examples=[["/bin/k6"]],
    )
    args: list[str] = Field(
        default=[], max_length=WORDS, description="Its arguments, word by word.", examples=[["run", "/scripts/buy.js"]]
    )
    summary: bool = Field(default=False, description="Whether it leaves a summary when it ends.")


def start(settings: Mapping[str, Any], surroundings: Surroundings) -> "ContainerLoad":
    """Raises `Permanent` for a block that does not have the form, and for a container that does not run."""
    try:
        parsed = Settings.model_validate(settings)
    except ValidationError as error:
        raise Permanent(f"the job load cannot be sent: {error}") from error
    outfit = parsed.outfit(surroundings, parsed.command, parsed.args)
    return ContainerLoad(companions.begin(surroundings, outfit), counts=parsed.summary)


class ContainerLoad:
    """A load under way in a container."""

    def __init__(self, companion: Companion, *, counts: bool) -> None:
        self._companion, self._counts = companion, counts

    def has_ended(self) -> bool:
        """By itself, which it should not. Raises `GateError`."""
        return self._companion.ended() is not None

    def stop(self) -> LoadSummary:
        """Within twenty seconds. Even a load that counts nothing has to be there until then, or nothing was sent."""
        try:
            pod = self._companion.pod()
            if companions.is_gone(pod):
                return _nothing("was gone before the run ended: nobody knows what it sent")
            early = companions.ended(pod)
            last = early or self._companion.end()
        except GateError as error:
            return _nothing(f"could not be ended by us: {error}")
        if early is not None:
            return _nothing(f"ended before the run did, with exit code {early.code}{quoted(early.message)}")
        if last is None:
            return _nothing("was told to end, and nobody knows how it ended")
        return summary_of(last) if self._counts else _nothing("")


def summary_of(last: Ended) -> LoadSummary:
    """What a container left: `{"due": 100, "sent": 99, "failed": 1}`; what was due may be left out."""
    try:
        told = json.loads(last.message)
        sent, failed = (_count(told, name) for name in ("sent", "failed"))
        due = _count(told, "due") if "due" in told else sent
    except (ValueError, KeyError, TypeError):
        return _nothing(f"left no summary in its termination log{quoted(last.message)}, exit code {last.code}")
    if not sent:
        return _nothing("sent nothing")
    return LoadSummary(due=due, sent=sent, failed=failed)


def _count(told: Mapping[str, Any], name: str) -> int:
    """Raises `ValueError` for what cannot be counted."""
    number = told[name]
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < float("inf"):
        raise ValueError(name)
    return int(number)


def _nothing(problem: str) -> LoadSummary:
    return LoadSummary(due=0, sent=0, failed=0, problem=problem)
