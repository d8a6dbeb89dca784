"""A workload's commit is looked up behind its back, and the workload is looked at again when it is known."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from gate.errors import Permanent, Temporary
from gate.gitlab.client import Deployment, Pipeline
from gate.model import (
    Commit,
    CommitHint,
    Progress,
    Rollout,
    Rung,
    Subscription,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.tracking.claims import Claim
from gate.wire.resolving import AGAIN, STALE, Resolving
from tests.clocks import START, HandClock

SHA = "a" * 40
NAME = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web")
HINT = CommitHint(rung=Rung.IMAGE_TAG, project="shop/web", revision=SHA)
ROLLOUT = Rollout(
    workload=Workload(name=NAME, uid="u"), created=START, progress=Progress.COMPLETE, message="", hints=(HINT,)
)


@dataclass
class Around:
    """One workload, its subscription, and a GitLab that answers when it is let."""

    rollout_: Rollout = ROLLOUT
    project: str = "shop/web"
    trouble: list[Exception] = field(default_factory=list)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    let: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    heard: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    revision: str = "r"

    def rollout(self, name: WorkloadName) -> Rollout | None:
        return self.rollout_

    def of(self, name: WorkloadName, labels: Mapping[str, str], remembered: Sequence[str] = ()) -> Sequence[Claim]:
        nothing = timedelta(0)
        subscription = Subscription(
            name="web", workload=NAME, environment="staging", workflows=(), settle=nothing, deadline=nothing,
            project=self.project,
        )  # fmt: skip
        return [Claim(name="web", subscription=subscription, since=START)]

    def commit(self, project: str, revision: str) -> str:
        self.asked.release()
        assert self.let.acquire(timeout=60)
        if self.trouble:
            raise self.trouble.pop()
        return SHA

    def pipelines_of(self, project: str, sha: str) -> Sequence[Pipeline]:
        return [Pipeline(id=7, sha=sha, status="running", source="push")]

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        return ()


@pytest.fixture
def around() -> Around:
    return Around()


@pytest.fixture
def resolving(around: Around, clock: HandClock) -> Iterator[Resolving]:
    resolving = Resolving(
        around, around, lambda _: around, found=lambda _: around.heard.release(), monotonic=clock.monotonic
    )
    thread = threading.Thread(target=resolving.run)
    thread.start()
    yield resolving
    resolving.close()
    around.let.release(100)
    thread.join()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_nobody_waits_for_gitlab_and_what_it_said_is_heard_of(around: Around, resolving: Resolving) -> None:
    before = resolving.rollout(NAME)
    assert before is not None
    assert (before.commit, before.commit_problem) == (None, "the commit is being looked up in GitLab")
    around.let.release()
    assert around.heard.acquire(timeout=60)
    after = resolving.rollout(NAME)
    assert after is not None
    assert (after.commit, after.commit_problem) == (Commit(project="shop/web", sha=SHA, pipeline=7), "")
    assert after.commit_found == "image tag, pipeline 7, no deployment recorded"


def test_what_is_known_is_not_asked_again(around: Around, resolving: Resolving) -> None:
    resolving.rollout(NAME)
    around.let.release()
    assert around.heard.acquire(timeout=60)
    for _ in range(5):
        resolving.rollout(NAME)
    assert around.asked.acquire(timeout=60)
    assert not around.asked.acquire(blocking=False)


def test_what_was_not_found_is_said_and_asked_again_later(
    around: Around, resolving: Resolving, clock: HandClock
) -> None:
    around.trouble.append(Permanent("404 Commit Not Found"))
    resolving.rollout(NAME)
    around.let.release()
    assert around.heard.acquire(timeout=60)
    unresolved = resolving.rollout(NAME)
    assert unresolved is not None
    assert "404 Commit Not Found; let the deploy job write its annotations" in unresolved.commit_problem
    clock.advance(timedelta(seconds=STALE))
    resolving.rollout(NAME)
    around.let.release()
    assert around.heard.acquire(timeout=60)
    found = resolving.rollout(NAME)
    assert found is not None
    assert found.commit is not None


def test_what_was_not_found_is_asked_again_at_once_when_something_happened_there(
    around: Around, resolving: Resolving
) -> None:
    around.trouble.append(Permanent("404 Commit Not Found"))
    resolving.rollout(NAME)
    around.let.release()
    assert around.heard.acquire(timeout=60)
    assert around.asked.acquire(timeout=60)
    resolving.rollout(NAME)
    resolving.hurry("shop/other")
    resolving.hurry("Shop/Web")
    around.let.release()
    assert around.heard.acquire(timeout=60)
    found = resolving.rollout(NAME)
    assert found is not None
    assert found.commit is not None


def test_annotations_are_taken_as_they_are(around: Around, resolving: Resolving) -> None:
    said = replace(ROLLOUT, commit=Commit(project="shop/web", sha="b" * 40, pipeline=1))
    for around.rollout_ in (said, replace(ROLLOUT, commit_problem="half of them"), replace(ROLLOUT, hints=())):
        assert resolving.rollout(NAME) == around.rollout_


def test_a_hint_about_no_subscribed_project_is_not_followed(around: Around, resolving: Resolving) -> None:
    around.project = ""
    assert resolving.rollout(NAME) == ROLLOUT
    assert not around.asked.acquire(blocking=False)


def test_a_gitlab_that_is_away_says_nothing(around: Around, resolving: Resolving) -> None:
    around.trouble.append(Temporary("away"))
    resolving.rollout(NAME)
    around.let.release()
    assert around.asked.acquire(timeout=60)
    still = resolving.rollout(NAME)
    assert still is not None
    assert still.commit_problem == "the commit is being looked up in GitLab"


def test_everybody_who_asked_the_same_hears_of_it(around: Around, resolving: Resolving) -> None:
    for name in ("web", "worker"):
        resolving.rollout(replace(NAME, name=name))
    around.let.release()
    assert around.heard.acquire(timeout=60)
    assert around.heard.acquire(timeout=60)


def test_what_was_confirmed_stays_when_gitlab_has_forgotten_it(
    around: Around, resolving: Resolving, clock: HandClock
) -> None:
    resolving.rollout(NAME)
    around.let.release()
    assert around.heard.acquire(timeout=60)
    clock.advance(timedelta(seconds=STALE))
    around.trouble.append(Permanent("404 Commit Not Found"))
    resolving.rollout(NAME)
    around.let.release()
    assert around.heard.acquire(timeout=60)
    still = resolving.rollout(NAME)
    assert still is not None
    assert still.commit == Commit(project="shop/web", sha=SHA, pipeline=7)


@pytest.mark.parametrize("trouble", [Temporary("busy", retry_after=300.0), KeyError("a mistake")], ids=repr)
def test_nobody_is_asked_again_before_the_time_however_often_one_looks(
    around: Around, resolving: Resolving, clock: HandClock, trouble: Exception
) -> None:
    def answered(rollout: Rollout) -> None:
        """Ask something else. One thread asks all, so whatever was due before has been asked by then."""
        around.rollout_ = rollout
        resolving.rollout(NAME)
        around.let.release()
        assert around.heard.acquire(timeout=60)
        around.rollout_ = ROLLOUT

    around.trouble.append(trouble)
    resolving.rollout(NAME)
    around.let.release()
    answered(replace(ROLLOUT, hints=(replace(HINT, revision="b" * 8),)))
    for _ in range(50):
        resolving.rollout(NAME)
    clock.advance(timedelta(seconds=AGAIN - 1))
    resolving.rollout(NAME)
    answered(replace(ROLLOUT, hints=(replace(HINT, revision="c" * 8),)))
    assert [around.asked.acquire(blocking=False) for _ in range(4)] == [True, True, True, False]
    clock.advance(timedelta(seconds=300))
    around.let.release()
    answered(replace(ROLLOUT, hints=(replace(HINT, revision="d" * 8),)))
    assert around.heard.acquire(timeout=60)
    found = resolving.rollout(NAME)
    assert found is not None
    assert found.commit is not None
