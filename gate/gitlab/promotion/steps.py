"""What a way to production is asked, and the steps that it answers with. Who takes the steps is the promoter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from gate.gitlab.client import Deployment, Pipeline
from gate.gitlab.protocol import Request
from gate.model import Promotion

SOON = timedelta(seconds=15)
"""How soon to look again at what is about to change by itself."""
REFUSED_PAUSE = timedelta(minutes=10)
"""How soon to look again at what a person has to change first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """There is nothing to be done while the gate says what it says."""

    warning: str = ""
    """What a person should know all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is as it should be. `what` says how, for people."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It may not be done. `why` names what stands in the way, and the remedy."""

    why: str
    pause: timedelta = REFUSED_PAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """It cannot be done yet."""

    why: str
    pause: timedelta = SOON


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A request that must not be sent twice. `what` says what it has done, once GitLab has taken it."""

    request: Request
    what: str
    last: bool = True
    """Else it is looked at once more for what follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Requests that may be sent as often as one likes, and then everything is looked at again. It is never done."""

    requests: tuple[Request, ...]
    what: str
    """What GitLab then shows, for people; empty: nothing."""
    again: timedelta
    final: bool = False
    """Nothing of it changes by itself any more: it is looked at ever more rarely."""


Step = Idle | Done | Refused | Later | Once | Repeat


class Looks(Protocol):
    """GitLab, as far as it is looked at. Raises `Temporary` and `Permanent`; `Absent` for what is not there."""

    def user(self) -> int:
        """The id of our own user."""
        ...

    def pipeline(self, project: str, pipeline: int) -> Pipeline:
        """One pipeline."""
        ...

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        """The newest deployments to an environment, newest first."""
        ...

    def send(self, request: Request) -> Any:
        """The JSON of the answer."""
        ...

    def pages(self, request: Request) -> Iterator[Mapping[str, Any]]:
        """Everything in a list."""
        ...


class Promoting(Protocol):
    """A way to production. Each method looks at GitLab as it is and gives the next step; none of them writes."""

    def announce(self, gitlab: Looks, promotion: Promotion) -> Step:
        """The verdict is awaited."""
        ...

    def result(self, gitlab: Looks, promotion: Promotion) -> Step:
        """There is a verdict, and production stays shut."""
        ...

    def release(self, gitlab: Looks, promotion: Promotion) -> Step:
        """Production opens."""
        ...
