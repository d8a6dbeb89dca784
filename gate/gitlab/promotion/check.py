"""Ultimate: a status check of merge requests. Those whose head is the commit that was judged hear what the gate says.

GitLab counts a check that has been `pending` for two minutes as failed, and a run takes longer: so `pending` is said
again and again. Nothing here is done once; what GitLab shows is compared with what it should, for as long as it lasts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gate.errors import Temporary
from gate.gitlab.promotion.steps import Looks, Repeat, Step
from gate.gitlab.protocol import Method, Request, get_merge_requests, get_status_checks, project_path
from gate.model import Promotion

AGAIN = timedelta(seconds=50)
"""How soon to say `pending` again, and to look whether there is another merge request: twice within two minutes."""
FEATURE = "external status checks"


class Says(StrEnum):
    """What a status check says."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A merge request whose head is the commit, as far as it has the check."""

    iid: int
    sha: str
    check: int
    shown: str


class Check:
    """Looks, and has `next_step` decide."""

    def announce(self, gitlab: Looks, promotion: Promotion) -> Step:
        return next_step(promotion, Says.PENDING, asked(gitlab, promotion))

    def result(self, gitlab: Looks, promotion: Promotion) -> Step:
        """No evidence, no pass: what could not be found out has not passed either."""
        return next_step(promotion, Says.FAILED, asked(gitlab, promotion))

    def release(self, gitlab: Looks, promotion: Promotion) -> Step:
        return next_step(promotion, Says.PASSED, asked(gitlab, promotion))


def asked(gitlab: Looks, promotion: Promotion) -> Sequence[Asked]:
    """The open merge requests that wait for what is known of this commit."""
    project, found = promotion.project, []
    for one in _of_commit(gitlab, project, promotion.commit.sha):
        iid = _number(one, "iid")
        for check in gitlab.pages(get_status_checks(project, iid)):
            if check.get("name") == promotion.promote.name:
                shown, number = str(check.get("status")), _number(check, "id")
                found.append(Asked(iid=iid, sha=promotion.commit.sha, check=number, shown=shown))
    return found


def _of_commit(gitlab: Looks, project: str, sha: str) -> Iterator[Mapping[str, Any]]:
    """Those that are open and have the commit as their head: GitLab names all that contain it."""
    found = gitlab.pages(get_merge_requests(project, sha))
    return (one for one in found if one.get("state") == "opened" and one.get("sha") == sha)


def next_step(promotion: Promotion, says: Says, asked: Sequence[Asked]) -> Step:
    """Tell those that show something else; what is pending is told again before GitLab gives it up. Pure."""
    untold = [each for each in asked if each.shown != says or says is Says.PENDING]
    told = ", ".join(f"!{each.iid}" for each in asked)
    return Repeat(
        requests=tuple(answer(promotion, says, each) for each in untold),
        what=f"{says} on {told} of {promotion.project}" if told else "",
        again=AGAIN,
        final=says is not Says.PENDING,
    )


def answer(promotion: Promotion, says: Says, to: Asked) -> Request:
    """What a merge request is told. GitLab refuses it (409) if the head has moved on since."""
    body = {"sha": to.sha, "external_status_check_id": to.check, "status": says.value}
    path = project_path(promotion.project, "merge_requests", to.iid, "status_check_responses")
    return Request(method=Method.POST, path=path, body=body, feature=FEATURE)


def _number(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    if not isinstance(value, int):
        raise Temporary(f"GitLab answered something without {name!r}")
    return value
