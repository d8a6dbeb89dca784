"""The transport to one GitLab: sends requests, bounds everything, turns answers into values or errors of the gate."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from gate.errors import Absent, Permanent, Temporary
from gate.gitlab import protocol
from gate.gitlab.bodies import body_of
from gate.gitlab.freezing import FreezePeriod
from gate.gitlab.protocol import Answer, Fate, Request
from gate.gitlab.statuses import Row
from gate.gitlab.token import PAUSE, REFUSED, PrivateToken, Token, TokenRefused

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 15.0
WHOLE_TIMEOUT = 30.0
"""Seconds until the first byte, between two bytes, and for the whole of an answer."""
LARGEST_BODY = 4 * 1024 * 1024
"""Bytes."""
MOST_PAGES = 20
"""Of a list, with a hundred things each."""

_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline, as far as the gate looks at it."""

    id: int
    sha: str
    status: str
    source: str = ""
    """What started it."""
    user: int | None = None
    """Who did, where GitLab was asked for this one alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment record, as far as the gate looks at it."""

    id: int
    sha: str
    status: str
    pipeline: int | None = None
    """That its job belongs to; None for one that was recorded from outside."""
    job: int | None = None
    """That deploys."""
    created: datetime | None = None
    """Before its job began."""


class GitLab:
    """One GitLab, spoken to as one user. Every method raises `Temporary` or `Permanent` if it does not work."""

    def __init__(
        self,
        address: str,
        token: Token,
        *,
        authority: Path | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`address` as people type it (`https://gitlab.example.org`); `authority`: a PEM file, else the usual CAs."""
        self.address = address.rstrip("/")
        self._auth = PrivateToken(token)
        self._session = requests.Session()
        self._verify = True if authority is None else str(authority)
        self._session.headers.update({"Accept": "application/json", "User-Agent": "chaos-gate"})
        self._now = now
        self._monotonic = monotonic

    def __repr__(self) -> str:
        return f"GitLab({self.address!r})"

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()

    # ------------------------------------------------------------------------------------------------------ the calls

    def user(self) -> int:
        """The id of the user whose token we use."""
        return _number(self.send(protocol.get_user()), "id")

    def statuses(self, project: str, sha: str, *, pipeline: int, name: str) -> Sequence[Row]:
        """The visible rows of this name in this pipeline, by whomever."""
        said = self.send(protocol.get_statuses(project, sha, pipeline=pipeline, name=name))
        return tuple(Row.parse(row) for row in _objects(said))

    def pipeline(self, project: str, pipeline: int) -> Pipeline:
        """One pipeline; `Permanent` if there is none."""
        said = self.send(protocol.get_pipeline(project, pipeline))
        return _pipeline(said)

    def began(self, project: str, job: int) -> datetime | None:
        """When a job began; None if it has not, or there is none that we may see."""
        try:
            said = self.send(protocol.get_job(project, job))
        except Permanent:
            return None
        return _moment(said, "started_at") if isinstance(said, dict) else None

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        """The newest deployments to an environment, newest first."""
        said = self.send(protocol.get_deployments(project, environment=environment))
        return tuple(
            Deployment(
                id=_number(one, "id"),
                sha=_text(one, "sha"),
                status=_text(one, "status"),
                pipeline=_job_pipeline(one),
                job=_number(one["deployable"], "id") if isinstance(one.get("deployable"), dict) else None,
                created=_moment(one, "created_at"),
            )
            for one in _objects(said)
        )

    def commit(self, project: str, revision: str) -> str:
        """The whole id of a commit; `Permanent` if there is none, or several fit."""
        return _text(self.send(protocol.get_commit(project, revision)), "id")

    def pipelines_of(self, project: str, sha: str) -> Sequence[Pipeline]:
        """The newest pipelines of a commit, newest first."""
        return tuple(_pipeline(one) for one in _objects(self.send(protocol.get_pipelines_of(project, sha))))

    def unfinished(self, project: str) -> Sequence[Pipeline]:
        """The pipelines that are not over, newest first."""
        said = [one for status in ("pending", "running") for one in self.pages(protocol.get_pipelines(project, status))]
        return tuple(_pipeline(one) for one in said)

    def external(self, project: str, sha: str, *, pipeline: int) -> Sequence[Row]:
        """The visible rows in a pipeline that are no jobs, by whomever."""
        return tuple(Row.parse(row) for row in self.pages(protocol.get_external(project, sha, pipeline=pipeline)))

    def freeze_periods(self, project: str) -> Sequence[FreezePeriod]:
        """The times in which nothing should be deployed from a project. It takes the role Reporter to see them."""
        return tuple(
            FreezePeriod(
                start=_text(one, "freeze_start"), end=_text(one, "freeze_end"), zone=_text(one, "cron_timezone")
            )
            for one in self.pages(protocol.get_freeze_periods(project))
        )

    def token(self) -> Mapping[str, Any]:
        """What GitLab says of our token; also one that was refused is tried once more."""
        self._auth.forgive()
        said = self.send(protocol.get_token())
        return said if isinstance(said, dict) else {}

    def send(self, request: Request) -> Any:
        """The JSON of the answer; None if GitLab says that the thing was done already."""
        answer = self._answered(request)
        if answer.status >= 300:
            return None
        return _json(request, answer)

    def pages(self, request: Request) -> Iterator[Mapping[str, Any]]:
        """Everything in a list, page by page; `Temporary` if it is longer: what is not seen could say otherwise."""
        for _ in range(MOST_PAGES):
            answer = self._answered(request)
            yield from _objects(_json(request, answer))
            following = protocol.next_page(request, answer)
            if following is None:
                return
            request = following
        raise Temporary(f"{self.address} has more than {100 * MOST_PAGES} things for {request}; none of them counts")

    def _answered(self, request: Request) -> Answer:
        """An answer that is no refusal."""
        answer = self._exchange(request)
        meaning = protocol.meaning(request, answer, now=self._now())
        log.debug("gitlab.answered request=%r status=%s fate=%s", str(request), answer.status, meaning.fate)
        if meaning.fate is Fate.NEVER:
            raise (Absent if answer.status == requests.codes.not_found else Permanent)(meaning.why)
        if meaning.fate is Fate.LATER:
            raise Temporary(meaning.why, retry_after=meaning.retry_after)
        return answer

    # ------------------------------------------------------------------------------------------------------ transport

    def _exchange(self, request: Request) -> Answer:
        try:
            with self._session.request(
                request.method,
                f"{self.address}/api/v4{request.path}",
                params=dict(request.query),
                json=request.body,
                auth=self._auth,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                verify=self._verify,  # of a session, REQUESTS_CA_BUNDLE would override it
                stream=True,
                # A redirect would carry the token to wherever it points.
                allow_redirects=False,
            ) as response:
                body = body_of(
                    response,
                    f"what {self.address} answered to {request}",
                    largest=LARGEST_BODY,
                    within=WHOLE_TIMEOUT,
                    monotonic=self._monotonic,
                )
                headers = {name.lower(): value for name, value in response.headers.items()}
                if response.status_code == requests.codes.unauthorized and not request.feature:
                    self._refuse(response.request)
                return Answer(status=response.status_code, headers=headers, body=body)
        except requests.exceptions.SSLError as error:
            raise Temporary(
                f"{self.address} cannot be trusted: {_root(error)}; give the file of its CA, or mend its certificate"
            ) from error
        except _NO_ADDRESS as error:
            why = f"{self.address!r} is not an address of a GitLab; give one like https://gitlab.example.org"
            raise Permanent(why) from error
        except requests.exceptions.RequestException as error:
            raise Temporary(f"{self.address} did not answer {request}: {_root(error)}") from error
        except OSError as error:  # so the library says that the file of CAs is not there
            raise Temporary(f"{self.address} was not asked: {error}; mount the file of its CA there") from error

    def _refuse(self, sent: requests.PreparedRequest) -> None:
        """Asking on with a token that is refused brings nothing, and locks the address out where there is a limit."""
        if self._auth.refuse(sent):
            log.error("gitlab.token_refused address=%s remedy='put a valid token into its file'", self.address)
        raise TokenRefused(REFUSED, retry_after=PAUSE)


def _root(error: BaseException) -> str:
    """The innermost cause, which is the part that a person can use."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"


def _json(request: Request, answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise Temporary(f"GitLab answered {answer.status} to {request}, but not with JSON: {answer.text}") from error


def _pipeline(said: Any) -> Pipeline:
    number, sha, status = _number(said, "id"), _text(said, "sha"), _text(said, "status")
    user = said.get("user")
    who = user.get("id") if isinstance(user, dict) else None
    by = who if isinstance(who, int) else None
    return Pipeline(id=number, sha=sha, status=status, source=str(said.get("source") or ""), user=by)


def _job_pipeline(deployment: Mapping[str, Any]) -> int | None:
    job = deployment.get("deployable")
    pipeline = job.get("pipeline") if isinstance(job, dict) else None
    number = pipeline.get("id") if isinstance(pipeline, dict) else None
    return number if isinstance(number, int) else None


def _objects(said: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise Temporary("GitLab answered something that is not a list of objects")
    return said


def _field(said: Any, name: str) -> Any:
    if not isinstance(said, dict) or said.get(name) is None:
        raise Temporary(f"GitLab answered something without {name!r}")
    return said[name]


def _number(said: Any, name: str) -> int:
    value = _field(said, name)
    if not isinstance(value, int):
        raise Temporary(f"GitLab answered a {name!r} that is not a number: {value!r}")
    return value


def _moment(said: Mapping[str, Any], name: str) -> datetime | None:
    """None if it is not said."""
    try:
        return datetime.fromisoformat(said[name]) if said.get(name) else None
    except (TypeError, ValueError) as error:
        raise Temporary(f"GitLab answered a {name!r} that is no time: {said[name]!r}") from error


def _text(said: Any, name: str) -> str:
    return str(_field(said, name))
