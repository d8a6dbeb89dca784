"""Workloads with the commits that GitLab knows of them. Nobody waits for GitLab: what is found is heard of later."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from gate.errors import GateError, Temporary
from gate.gitlab.commit import Records, Resolved, Unresolved, resolve
from gate.model import CommitHint, Rollout, Rung, WorkloadName
from gate.tracking.ladder import project_of
from gate.tracking.ports import Subscriptions, Workloads
from gate.tracking.queue import WorkQueue

log = logging.getLogger(__name__)

AGAIN = 15.0
"""Seconds until GitLab is asked again, if it could not be."""
STALE = 600.0
"""Seconds after which it is asked again: a pipeline, or a deployment, may have come."""
MOST = 10_000
"""Answers that are kept."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked up: a hint in a project and an environment."""

    hint: CommitHint
    project: str
    environment: str


@dataclass(frozen=True, slots=True)
class _Found:
    answer: Resolved | Unresolved
    at: float


class Resolving:
    """The workloads; where no annotation names the commit, the ladder is climbed."""

    def __init__(
        self,
        workloads: Workloads,
        subscriptions: Subscriptions,
        gitlab: Callable[[str], Records],
        *,
        found: Callable[[WorkloadName], None],
        monotonic: Callable[[], float],
    ) -> None:
        """`gitlab` of a project, `Permanent` if there is none; `found` hears of a workload when it is known."""
        self._workloads, self._subscriptions, self._gitlab = workloads, subscriptions, gitlab
        self._found, self._monotonic = found, monotonic
        self._answers: dict[Question, _Found] = {}
        self._askers: dict[Question, set[WorkloadName]] = {}
        self._not_before: dict[Question, float] = {}
        """Of what GitLab could not answer just now."""
        self._lock = threading.Lock()
        self._due: WorkQueue[Question] = WorkQueue(monotonic)

    def rollout(self, name: WorkloadName) -> Rollout | None:
        """The rollout, with the commit as far as it is known by now, and why it is not."""
        rollout = self._workloads.rollout(name)
        if rollout is None or rollout.commit or rollout.commit_problem or not rollout.hints:
            return rollout
        questions = self._questions(rollout)
        answers = [self._answer(name, question) for question in questions]
        for question, answer in zip(questions, answers, strict=True):
            if answer is None:
                return replace(rollout, commit_problem="the commit is being looked up in GitLab", commit_open=True)
            if isinstance(answer, Resolved):
                in_image = question.hint.rung is Rung.IMAGE_TAG
                return replace(rollout, commit=answer.commit, commit_found=answer.how, commit_in_image=in_image)
        problems = "; ".join(answer.why for answer in answers if isinstance(answer, Unresolved))
        return replace(rollout, commit_problem=problems)

    def run(self) -> None:
        """Ask GitLab, one question after the other, until closed."""
        while (question := self._due.take()) is not None:
            try:
                # Somebody may have looked while it was asked in vain, and want it asked at once.
                again = self._still_to_wait(question) or self._ask(question)
            except Exception:  # a mistake of ours must not end the only thread that asks
                log.exception("commit.again project=%s", question.project)
                again = AGAIN
            with self._lock:
                self._not_before.pop(question, None)
                if again:
                    self._not_before[question] = self._monotonic() + again
            self._due.done(question)
            if again:
                self._due.add(question, after=again)

    def hurry(self, project: str) -> None:
        """Something has happened there: ask now what is not confirmed. What GitLab cannot answer keeps its pause."""
        with self._lock:
            open_ = [each for each, found in self._answers.items() if isinstance(found.answer, Unresolved)]
            for question in open_:
                if question.project.lower() == project.lower() and question not in self._not_before:
                    self._due.add(question)

    def close(self) -> None:
        """Nothing will be asked any more."""
        self._due.close()

    def _questions(self, rollout: Rollout) -> list[Question]:
        claims = self._subscriptions.of(rollout.workload.name, rollout.labels)
        subscribed = [claim.subscription for claim in claims if claim.subscription and claim.subscription.project]
        found = []
        for hint in rollout.hints:
            project = project_of(hint, [each.project for each in subscribed])
            environments = {each.environment for each in subscribed if each.project == project}
            found += [Question(hint, project, environment) for environment in sorted(environments)]
        return found

    def _answer(self, name: WorkloadName, question: Question) -> Resolved | Unresolved | None:
        with self._lock:
            known, now = self._answers.get(question), self._monotonic()
            stale = known.at + STALE if known else now
            if stale <= now or (known and isinstance(known.answer, Unresolved)):
                self._askers.setdefault(question, set()).add(name)
                self._due.add(question, after=max(0.0, stale - now, self._not_before.get(question, 0.0) - now))
            return known.answer if known else None

    def _still_to_wait(self, question: Question) -> float:
        with self._lock:
            return max(0.0, self._not_before.get(question, 0.0) - self._monotonic())

    def _ask(self, question: Question) -> float:
        """After how many seconds to ask again; 0 if there is an answer."""
        try:
            gitlab = self._gitlab(question.project)
            answer = resolve(gitlab, question.hint, project=question.project, environment=question.environment)
        except Temporary as error:
            log.warning("commit.later project=%s why=%r", question.project, str(error))
            return max(AGAIN, error.retry_after or 0.0)
        except GateError as error:
            answer = Unresolved(why=str(error))
        said = answer.how if isinstance(answer, Resolved) else answer.why
        with self._lock:
            before = self._answers.pop(question, None)
            if before and isinstance(before.answer, Resolved) and isinstance(answer, Unresolved):
                answer = before.answer  # a pipeline that GitLab has forgotten since was one all the same
            if len(self._answers) >= MOST:
                self._answers.pop(next(iter(self._answers)))
            self._answers[question] = _Found(answer, self._monotonic())
            names = self._askers.pop(question, set())
        log.info("commit.%s project=%s why=%r", type(answer).__name__.lower(), question.project, said)
        for name in names:
            self._found(name)
        return 0.0
