"""The manual job of production: played when the gate opens, by nobody else, and never twice."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gate.gitlab.promotion.play import Seen, next_step, others
from gate.gitlab.promotion.production import Job, Protection
from gate.gitlab.promotion.steps import REFUSED_PAUSE, Refused
from gate.model import Commit, Promote, PromotedState, Promotion, Stance, Verdict, Way
from tests.clocks import HandClock
from tests.gitlab.ground import ASKED, PATH, World
from tests.gitlab.promoting import Cluster, History, Replica, settled
from tests.waiting import pauses

SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(6, 500))]
SHIP = "{script: 'true', environment: NAME, when: manual, allow_failure: false}"
OVER = {"success", "failed", "canceled", "skipped", "manual", "created"}
PATIENCE = 60.0
WANTED = Promotion(
    subscription="web",
    promote=Promote(way=Way.PLAY, name="ship", environment="production"),
    commit=Commit(project=PATH, sha="a" * 40, pipeline=3),
    version="v",
    stance=Stance.OPEN,
)


@dataclass
class Site:
    """An environment of its own, and what the tests do around it."""

    world: World
    name: str
    pipeline: int = 0
    sha: str = ""

    def commits(self, text: str = SHIP) -> "Site":
        """A pipeline whose job `ship` deploys there."""
        project = self.world.project
        file = f"ship: {text.replace('NAME', self.name)}\n"
        self.sha = project.commit({".gitlab-ci.yml": file}, action="update")
        (made,) = project.pipelines(sha=self.sha)
        self.pipeline = made["id"]
        return self

    def runs(self) -> "Site":
        """Another pipeline of the newest commit."""
        project = self.world.project
        self.pipeline = project.client.post(f"{project.path}/pipeline", ref="main")["id"]
        return self

    def protect(self, *others: dict[str, int], bot: bool = True) -> None:
        project = self.world.project
        levels = [*others, *([{"user_id": self.world.bot}] if bot else [])]
        project.client.post(f"{project.path}/protected_environments", name=self.name, deploy_access_levels=levels)

    @property
    def promotion(self) -> Promotion:
        return Promotion(
            subscription="web",
            promote=Promote(way=Way.PLAY, name="ship", environment=self.name),
            commit=Commit(project=PATH, sha=self.sha, pipeline=self.pipeline),
            version="v",
            stance=Stance.OPEN,
            verdict=Verdict.PASSED,
        )

    def rows(self) -> list[Any]:
        """Every job `ship` that there ever was in the pipeline."""
        project = self.world.project
        path = f"/projects/{project.id}/pipelines/{self.pipeline}/jobs"
        return list(project.client.get(path, include_retried="true", per_page=100))

    def ended(self) -> bool:
        """Wait until nothing runs."""
        deadline, pause = time.monotonic() + PATIENCE, pauses()
        while any(row["status"] not in OVER for row in self.rows()):
            assert time.monotonic() < deadline, self.rows()
            time.sleep(next(pause))
        return True


@pytest.fixture
def replica(world: World) -> Iterator[Replica]:
    yield Replica(world, Cluster(), HandClock())
    world.server.troubles.calm()


def opens(replica: Replica, site: Site, stance: Stance = Stance.OPEN) -> Any:
    replica.cluster.wants(replace(site.promotion, stance=stance))
    return settled(replica)


def test_the_job_is_played_once_when_the_gate_opens(world: World, replica: Replica) -> None:
    site = Site(world, "opens").commits()
    site.protect()
    assert opens(replica, site, Stance.AWAIT) is None
    assert opens(replica, site, Stance.SHUT) is None
    assert [row["status"] for row in site.rows()] == ["manual"]
    assert opens(replica, site).state is PromotedState.DONE
    site.ended()
    for stance in (Stance.SHUT, Stance.OPEN):
        opens(replica, site, stance)
    assert [(row["status"], row["user"]["id"]) for row in site.rows()] == [("success", world.bot)]


def test_what_is_not_protected_is_not_played_and_said_before_it_matters(
    world: World, replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(world, "unprotected").commits()
    for stance in (Stance.AWAIT, Stance.OPEN, Stance.OPEN):
        refused = opens(replica, site, stance)
        assert refused.state is PromotedState.REFUSED
        assert "unprotected is not protected" in refused.message
        replica.begin()
    assert len([each for each in caplog.records if each.levelname == "ERROR"]) == 2  # once for each of the stances
    site.protect()
    replica.clock.advance(REFUSED_PAUSE)
    assert opens(replica, site).state is PromotedState.DONE


@pytest.mark.parametrize(
    ("name", "others", "bot", "why"),
    [
        ("by role", [{"access_level": 40}], True, "Maintainers may deploy to by role, past the gate"),
        ("not by us", [{"user_id": 1}], False, "the gate's bot (user"),
    ],
)
def test_who_else_may_deploy_is_said(
    world: World, replica: Replica, name: str, others: list[dict[str, int]], bot: bool, why: str
) -> None:
    site = Site(world, name).commits()
    site.protect(*others, bot=bot)
    assert why in opens(replica, site).message
    assert [row["status"] for row in site.rows()] == ["manual"]


def test_whom_the_environment_names_beside_the_bot_is_said_once(
    world: World, replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(world, "named").commits()
    site.protect({"user_id": 1})
    for _ in range(2):
        assert opens(replica, site, Stance.AWAIT) is None
        replica.promoter.hurry()
    (said,) = [each.getMessage() for each in caplog.records if "gitlab.open_to_others" in each.getMessage()]
    assert "may deploy to named too, past the gate" in said


def test_groups_are_named_as_people_are() -> None:
    shared = Protection(users={7: "chaos-bot", 8: "Ann"}, groups=("release",))
    assert others(shared, "production", 7) == "Ann, the group release may deploy to production too, past the gate"
    assert others(replace(shared, users={7: "chaos-bot"}, groups=()), "production", 7) == ""


@pytest.mark.parametrize(
    ("started", "why"),
    [(False, "is canceled: somebody has canceled it before it was played"), (True, "user 9 has started it")],
)
def test_a_job_that_was_canceled_before_anybody_played_it_is_told_so(started: bool, why: str) -> None:
    job = Job(id=1, name="ship", status="canceled", user=9, started=started)
    seen = Seen(job=job, deployments=(), protection=Protection(users={7: "chaos-bot"}), bot=7)
    step = next_step(WANTED, seen)
    assert isinstance(step, Refused)
    assert why in step.why


def test_an_older_pipeline_is_not_played(world: World, replica: Replica) -> None:
    site = Site(world, "overtaken").commits()
    site.protect()
    old = site.promotion
    newer = site.runs().pipeline
    replica.cluster.wants(old)
    refused = settled(replica)
    assert refused is not None
    assert f"pipeline {newer} is newer" in refused.message
    assert opens(replica, site).state is PromotedState.DONE


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("automatic", "{script: 'true', environment: NAME}", "past the gate"),
        ("elsewhere", "{script: 'true', environment: other, when: manual}", "does not deploy to elsewhere"),
    ],
)
def test_a_job_that_is_not_what_it_should_be_is_said(
    world: World, replica: Replica, name: str, text: str, why: str
) -> None:
    site = Site(world, name)
    site.protect({"user_id": 1})
    site.commits(text).ended()
    assert why in opens(replica, site).message


def test_a_job_that_is_not_there_is_said(world: World, replica: Replica) -> None:
    site = Site(world, "nothing").commits()
    site.protect()
    replica.cluster.wants(replace(site.promotion, promote=replace(site.promotion.promote, name="shipp")))
    refused = settled(replica)
    assert refused is not None
    assert "has no job shipp" in refused.message


def test_without_a_pipeline_nothing_is_played(world: World, replica: Replica) -> None:
    site = Site(world, "nowhere").commits()
    replica.cluster.wants(replace(site.promotion, commit=replace(site.promotion.commit, pipeline=None)))
    refused = settled(replica)
    assert refused is not None
    assert "nothing says which pipeline" in refused.message


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_the_job_is_played_once(world: World, seed: int) -> None:
    site = Site(world, f"seed-{seed}")
    site.commits()
    site.protect()
    history = History(world, seed, site.promotion, site.ended, f"{ASKED}/.*(jobs|deployments|protected)")
    try:
        became = history.plays()
    finally:
        world.server.troubles.calm()
    site.ended()
    story = "\n".join(history.lines)
    assert [(row["status"], row["user"]["id"]) for row in site.rows()] == [("success", world.bot)], story
    assert became is not None, story
    assert became.state is PromotedState.DONE, story
    assert not history.late
