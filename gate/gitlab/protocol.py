"""Requests to GitLab and its answers as values, and what each answer means for the one who asked. No input or output.

GitLab's status codes mislead: some 400s are done, some 400s and one 403 only mean "not now". The table in this module
holds what was read in GitLab's source and in the reports of other clients; the first row that fits counts.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

LONGEST_PAUSE = 300.0
"""Seconds. GitLab's application limiters sometimes send reset times that are far off (issues 199738, 365728)."""


class Method(StrEnum):
    """The HTTP methods that the gate uses."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of the API. `path` stands below `/api/v4` and is encoded already; the token is not part of it."""

    method: Method
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    feature: str = ""
    """What GitLab answers 401 about where the project has no licence for it, however good the token is."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Header names are in lower case; the body may be JSON, HTML or plain text, whatever the code."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """What the answer says, in one line for people and for the table below."""
        plain = self.body.decode("utf-8", "replace").strip()
        if "html" in self.headers.get("content-type", "") or plain.startswith("<"):
            title = re.search(r"<title>(.*?)</title>", plain, re.DOTALL | re.IGNORECASE)
            return _one_line(title.group(1)) if title else "an HTML page"
        try:
            said = json.loads(plain)
        except ValueError:
            return _one_line(plain)
        if not isinstance(said, dict):
            return _one_line(plain)
        reasons = [said.get("message"), said.get("error"), said.get("error_description")]
        return _one_line(": ".join(_flat(reason) for reason in reasons if reason)) or _one_line(plain)


class Fate(StrEnum):
    """What to do after an answer."""

    DONE = "done"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an answer means. `why` names what GitLab said and, where a person has to act, the remedy."""

    fate: Fate
    why: str = ""
    retry_after: float | None = None
    """Seconds that GitLab asked us to wait; None: it did not say."""


@dataclass(frozen=True, slots=True)
class _Rule:
    codes: range
    says: str
    fate: Fate
    remedy: str = ""


def _only(code: int) -> range:
    return range(code, code + 1)


_RULES = (
    _Rule(range(200, 300), "", Fate.DONE),
    _Rule(range(300, 400), "", Fate.NEVER, "the address of GitLab redirects; set the address that it redirects to"),
    # The row is in the state that was asked for already. Asking again would give the same answer for ever.
    _Rule(_only(400), r"Cannot transition status via :run from :running\b", Fate.DONE),
    _Rule(_only(400), r"Cannot transition status via :enqueue from :pending\b", Fate.DONE),
    # Any error inside GitLab's own lock becomes a 400 with the text of the exception.
    _Rule(_only(400), r"Failed to obtain a lock|Attempted to update a stale object", Fate.LATER),
    _Rule(
        _only(400),
        r"name\b.*has already been taken",
        Fate.NEVER,
        "a CI job has the name of the status; rename the job or the subscription",
    ),
    _Rule(_only(400), "Reference not found", Fate.NEVER, "name a branch or tag that is there in `promote.trigger`"),
    _Rule(_only(400), "", Fate.NEVER, "GitLab refuses the request as it is; see its message"),
    _Rule(_only(401), "", Fate.NEVER, "the token is wrong, revoked or expired; put a valid one into the token file"),
    _Rule(_only(403), r"read-only instance|maintenance mode", Fate.LATER),
    _Rule(_only(403), r"insufficient_scope", Fate.NEVER, "the token needs the scope `api`"),
    _Rule(
        _only(403),
        "",
        Fate.NEVER,
        "the token's user may not do this: it needs the role Developer, on a protected branch Maintainer, and the "
        "project needs CI/CD switched on",
    ),
    _Rule(
        _only(404),
        "404 Commit Not Found",
        Fate.NEVER,
        "the commit is not in the project, or not any more, as after a force push; deploy one that is there",
    ),
    _Rule(
        _only(404),
        "404 Pipeline for pipeline_id",
        Fate.NEVER,
        "the pipeline was deleted, is a child, or is not of this commit; deploy from a pipeline of the commit",
    ),
    _Rule(
        _only(404),
        "",
        Fate.NEVER,
        "there is no such project, commit or pipeline, or the token's user may not see it; compare the annotations of "
        "the workload with the pipeline, and make the user a member of the project",
    ),
    _Rule(
        _only(409),
        "SHA does not match HEAD",
        Fate.NEVER,
        "the merge request has moved on: the answer is stale, it is for a commit that is not its head any more",
    ),
    _Rule(range(408, 410), "", Fate.LATER),
    _Rule(_only(422), "number of jobs has exceeded", Fate.NEVER, "the pipeline is full; raise the limit of jobs in it"),
    _Rule(_only(425), "", Fate.LATER),
    _Rule(_only(429), "", Fate.LATER),
    _Rule(range(400, 500), "", Fate.NEVER, "GitLab refuses the request as it is; see its message"),
)
"""What is not in the table (5xx, and codes that nobody knows) is tried again later."""


def meaning(request: Request, answer: Answer, *, now: datetime) -> Meaning:
    """What the answer means for this request; `now` is needed for the moments that GitLab names in its headers."""
    text = answer.text
    for rule in _RULES:
        if answer.status in rule.codes and re.search(rule.says, text, re.IGNORECASE):
            fate, remedy = rule.fate, rule.remedy
            break
    else:
        fate, remedy = Fate.LATER, ""
    if fate is Fate.DONE:
        return Meaning(fate=fate, why=text if answer.status >= 300 else "")
    why = f"GitLab answered {answer.status} to {request}: {text or 'nothing'}"
    if answer.status == 401 and request.feature:
        remedy = f"the project has no licence for {request.feature}; use another way to promote"
    pause = _pause(answer, now) if fate is Fate.LATER else None
    return Meaning(fate=fate, why=f"{why} ({remedy})" if remedy else why, retry_after=pause)


def _pause(answer: Answer, now: datetime) -> float | None:
    """Retry-After in seconds or as a date, else on a 429 RateLimit-Reset in seconds since 1970; within reason."""
    after = answer.headers.get("retry-after", "").strip()
    seconds = _number(after)
    if seconds is None and after:
        seconds = _until_date(after, now)
    if seconds is None and answer.status == 429:
        reset = _number(answer.headers.get("ratelimit-reset", ""))
        seconds = None if reset is None else reset - now.timestamp()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_PAUSE)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,12}(\.\d+)?\s*", text) else None


def _until_date(text: str, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()


def _flat(reason: object) -> str:
    """GitLab's `{"field": ["why"]}` as `field why`."""
    if isinstance(reason, dict):
        return "; ".join(f"{field} {_flat(why)}" for field, why in reason.items())
    if isinstance(reason, list):
        return ", ".join(_flat(why) for why in reason)
    return str(reason)


def _one_line(text: str, longest: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


# ----------------------------------------------------------------------------------------------- the calls that we make


_MANY = {"per_page": "100"}


def project_path(project: str, *rest: str | int) -> str:
    """The path of something in a project; a project's own path is one segment, so its slashes are encoded."""
    return "/".join(("/projects", quote(project, safe=""), *(quote(str(part), safe="") for part in rest)))


def get_user() -> Request:
    """Who we are."""
    return Request(method=Method.GET, path="/user")


def get_statuses(project: str, sha: str, *, pipeline: int, name: str) -> Request:
    """The visible rows of one name in one pipeline, newest first. GitLab filters: nothing is lost on later pages."""
    query = {"pipeline_id": str(pipeline), "name": name, "order_by": "id", "sort": "desc", "per_page": "100"}
    return Request(method=Method.GET, path=project_path(project, "repository", "commits", sha, "statuses"), query=query)


def get_pipeline(project: str, pipeline: int) -> Request:
    """One pipeline."""
    return Request(method=Method.GET, path=project_path(project, "pipelines", pipeline))


def get_deployments(project: str, *, environment: str) -> Request:
    """The newest deployments to an environment."""
    query = {"environment": environment, "order_by": "id", "sort": "desc", "per_page": "100"}
    return Request(method=Method.GET, path=project_path(project, "deployments"), query=query)


def get_pipelines(project: str, status: str) -> Request:
    """The pipelines of a project that have a status, newest first."""
    query = {"status": status, "order_by": "id", "sort": "desc", "per_page": "100"}
    return Request(method=Method.GET, path=project_path(project, "pipelines"), query=query)


def get_pipelines_of(project: str, sha: str) -> Request:
    """The pipelines of a commit, newest first."""
    query = {"sha": sha, "order_by": "id", "sort": "desc", "per_page": "100"}
    return Request(method=Method.GET, path=project_path(project, "pipelines"), query=query)


def get_commit(project: str, revision: str) -> Request:
    """One commit, by its id or the beginning of it."""
    return Request(method=Method.GET, path=project_path(project, "repository", "commits", revision))


def get_external(project: str, sha: str, *, pipeline: int) -> Request:
    """The visible rows of a pipeline that were posted from outside."""
    query = {"pipeline_id": str(pipeline), "stage": "external", "per_page": "100"}
    return Request(method=Method.GET, path=project_path(project, "repository", "commits", sha, "statuses"), query=query)


def get_jobs(project: str, pipeline: int) -> Request:
    """The jobs of a pipeline, without those that were retried."""
    return Request(method=Method.GET, path=project_path(project, "pipelines", pipeline, "jobs"), query=_MANY)


def get_job(project: str, job: int) -> Request:
    """One job."""
    return Request(method=Method.GET, path=project_path(project, "jobs", job))


def get_protection(project: str, environment: str) -> Request:
    """Who may deploy to an environment, if it is protected."""
    return Request(method=Method.GET, path=project_path(project, "protected_environments", environment))


def get_deployment(project: str, deployment: int) -> Request:
    """One deployment, with its approvals."""
    return Request(method=Method.GET, path=project_path(project, "deployments", deployment))


def get_started(project: str, ref: str, *, by: str) -> Request:
    """The pipelines of a ref that a user has started through the API, newest first."""
    query = {"ref": ref, "source": "api", "username": by, "order_by": "id", "sort": "desc", **_MANY}
    return Request(method=Method.GET, path=project_path(project, "pipelines"), query=query)


def get_variables(project: str, pipeline: int) -> Request:
    """What a pipeline was told when it was started."""
    return Request(method=Method.GET, path=project_path(project, "pipelines", pipeline, "variables"))


def get_merge_requests(project: str, sha: str) -> Request:
    """The merge requests that contain a commit, in whatever state."""
    path = project_path(project, "repository", "commits", sha, "merge_requests")
    return Request(method=Method.GET, path=path, query=_MANY)


def get_status_checks(project: str, merge_request: int) -> Request:
    """What the external status checks of a merge request say."""
    path = project_path(project, "merge_requests", merge_request, "status_checks")
    return Request(method=Method.GET, path=path, query=_MANY, feature="external status checks")


def get_freeze_periods(project: str) -> Request:
    """The times in which nothing should be deployed from a project."""
    return Request(method=Method.GET, path=project_path(project, "freeze_periods"), query=_MANY)


def get_token() -> Request:
    """The token that this is asked with."""
    return Request(method=Method.GET, path="/personal_access_tokens/self")


def next_page(request: Request, answer: Answer) -> Request | None:
    """The request for the page after this one; None if it was the last. Only the number is taken from the link: the
    address in it may be one that we do not reach GitLab at.
    """
    link = re.search(r'<([^>]*)>\s*;\s*rel="?next', answer.headers.get("link", ""))
    page = parse_qs(urlsplit(link.group(1)).query).get("page", [""])[0] if link else ""
    return replace(request, query={**request.query, "page": page}) if page.isdecimal() else None
