"""Free: there is no way to production but a pipeline that the gate starts when it opens, with what was judged pinned.

The branch may have moved on since. So the pipeline is told the commit, the version and the verdict, and its jobs have
to use these. It is known again by the same variables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gate.errors import Absent, Temporary
from gate.gitlab.promotion.steps import Done, Idle, Looks, Once, Refused, Step
from gate.gitlab.protocol import Method, Request, get_started, get_user, get_variables, project_path
from gate.model import Commit, Promotion

LOOKED_AT = 20
"""So many of the newest pipelines that we have started for the ref may be the one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A pipeline that somebody started."""

    id: int
    variables: Mapping[str, str]


class Trigger:
    """Looks, and has `next_step` decide."""

    def announce(self, gitlab: Looks, promotion: Promotion) -> Step:
        """There is no pipeline."""
        return Idle()

    def result(self, gitlab: Looks, promotion: Promotion) -> Step:
        """There will be none."""
        return Idle()

    def release(self, gitlab: Looks, promotion: Promotion) -> Step:
        number, name = _ourselves(gitlab)
        request = get_started(promotion.project, promotion.promote.name, by=name)
        started = islice(gitlab.pages(request), LOOKED_AT)
        found = [_started(gitlab, promotion.project, one) for one in started]
        return next_step(promotion, found, ours=_begun_by(gitlab, promotion.commit) == number)


def next_step(promotion: Promotion, started: Sequence[Started], *, ours: bool = False) -> Step:
    """Start one, unless one was started for this. `ours`: the pipeline that has deployed to staging is one that our
    user has started, or a child of one: GitLab names as user of a child who has started its parent. Else what promotes
    would promote itself, again and again. Pure.
    """
    pinned, commit = variables(promotion), promotion.commit
    known = {name: pinned[name] for name in ("CHAOS_PROJECT", "CHAOS_SHA", "CHAOS_PIPELINE", "CHAOS_VERSION")}
    for each in started:
        if known.items() <= each.variables.items():
            return Done(what=f"started pipeline {each.id} of {promotion.project} for {commit.sha[:8]}")
    if ours:
        why = f"pipeline {commit.pipeline} was started by the gate's own user, or is a child of one that was"
        return Refused(why=f"{why}; let the job that deploys to staging run only without the variable CHAOS_SHA")
    body = {
        "ref": promotion.promote.name,
        "variables": [{"key": name, "value": value} for name, value in pinned.items()],
    }
    request = Request(method=Method.POST, path=project_path(promotion.project, "pipeline"), body=body)
    return Once(request=request, what=f"started a pipeline of {promotion.project} for {commit.sha[:8]}")


def variables(promotion: Promotion) -> dict[str, str]:
    """What the pipeline is told."""
    commit = promotion.commit
    return {
        "CHAOS_PROJECT": commit.project,
        "CHAOS_SHA": commit.sha,
        "CHAOS_PIPELINE": str(commit.pipeline or ""),
        "CHAOS_VERSION": promotion.version,
        "CHAOS_VERDICT": promotion.number,
    }


def _ourselves(gitlab: Looks) -> tuple[int, str]:
    """Number and name. What others told their pipelines is none of our business, and GitLab may refuse to say it."""
    said = gitlab.send(get_user())
    number, name = (said.get("id"), said.get("username")) if isinstance(said, dict) else (None, None)
    if not (isinstance(number, int) and isinstance(name, str)):
        raise Temporary("GitLab answered a user without number or name")
    return number, name


def _begun_by(gitlab: Looks, commit: Commit) -> int | None:
    """Who has started the pipeline that has deployed; None: nobody knows, or it is not there, which is said later."""
    try:
        return gitlab.pipeline(commit.project, commit.pipeline).user if commit.pipeline is not None else None
    except Absent:
        return None


def _started(gitlab: Looks, project: str, said: Mapping[str, object]) -> Started:
    number = said.get("id")
    if not isinstance(number, int):
        raise Temporary("GitLab answered a pipeline without its id")
    told = gitlab.pages(get_variables(project, number))
    return Started(id=number, variables={str(one.get("key")): str(one.get("value")) for one in told})
