"""What a workload says of itself is confirmed by GitLab before production is opened for it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from gate.errors import Absent
from gate.gitlab.client import Deployment, Pipeline
from gate.gitlab.promoter import UNPROVEN
from gate.gitlab.promotion.evidence import unproven
from gate.model import Commit, Promote, PromotedState, Promotion, Stance, Verdict, Way
from tests.clocks import HandClock
from tests.gitlab.ground import PATH, World
from tests.gitlab.promoting import STAGING, Cluster, Replica, settled
from tests.waiting import pauses

SHA, OTHER = "a" * 40, "b" * 40
WANTED = Promotion(
    subscription="web",
    promote=Promote(way=Way.TRIGGER, name="main"),
    commit=Commit(project=PATH, sha=SHA, pipeline=5),
    version="v",
    stance=Stance.OPEN,
    verdict=Verdict.PASSED,
)
OURS = Deployment(id=50, sha=SHA, status="success", pipeline=5, job=500)
PATIENCE = 60.0
STAGED = "build: {script: 'true', environment: staging}\n"


@dataclass
class Records:
    """GitLab, as far as it is asked here."""

    there: Sequence[Deployment] = (OURS,)
    sha: str = SHA

    def pipeline(self, project: str, pipeline: int) -> Pipeline:
        if not self.sha:
            raise Absent("there is none")
        return Pipeline(id=pipeline, sha=self.sha, status="running")

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        return self.there if environment == STAGING else ()


@pytest.fixture
def replica(world: World) -> Iterator[Replica]:
    yield Replica(world, Cluster(), HandClock(), deployed=False)
    world.server.troubles.calm()


def said(
    records: Records, way: Way = Way.PLAY, pipeline: int | None = 5, environments: Sequence[str] = (STAGING,)
) -> str:
    wanted = replace(WANTED, promote=replace(WANTED.promote, way=way), commit=replace(WANTED.commit, pipeline=pipeline))
    return unproven(records, wanted, environments)


@pytest.mark.parametrize("way", Way)
def test_what_gitlab_has_deployed_is_proven(way: Way) -> None:
    assert said(Records(), way) == ""
    assert said(Records(), way, pipeline=None) == ""


@pytest.mark.parametrize("way", Way)
def test_while_a_job_still_deploys_only_what_waits_for_it_anyway_is_opened(way: Way) -> None:
    why = said(Records(there=[replace(OURS, status="running")]), way)
    assert (why == "") is (way in {Way.PLAY, Way.APPROVE})
    assert why == "" or "no deployment to staging that success" in why


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (Records(sha=OTHER), "pipeline 5 of shop/checkout is one of commit bbbbbbbb"),
        (Records(sha=""), "has no pipeline 5"),
        (Records(there=[]), "pipeline 5 of shop/checkout has no deployment to staging"),
        (Records(there=[replace(OURS, pipeline=4)]), "has no deployment"),
        (Records(there=[replace(OURS, pipeline=None)]), "has no deployment"),
        (Records(there=[replace(OURS, sha=OTHER)]), "has no deployment"),
        *(
            (Records(there=[replace(OURS, status=each)]), "has no")
            for each in ("created", "blocked", "failed", "canceled")
        ),
    ],
)
def test_what_gitlab_does_not_confirm_is_said(records: Records, why: str) -> None:
    assert why in said(records)


def test_each_environment_in_which_it_was_judged_has_to_have_it() -> None:
    assert "no deployment to qa" in said(Records(), environments=[STAGING, "qa"])
    assert "nobody says where" in said(Records(), environments=[])


def test_a_version_that_came_back_starts_no_pipeline() -> None:
    newer = Deployment(id=40, sha=OTHER, status="success", pipeline=6)
    why = said(Records(there=[OURS, newer]), Way.TRIGGER)
    assert "pipeline 6 is newer" in why
    assert said(Records(there=[OURS, newer]), Way.PLAY) == ""  # that compares what deploys to production
    for other in (replace(newer, status="created"), replace(newer, pipeline=4), replace(newer, sha=SHA)):
        assert said(Records(there=[OURS, other]), Way.TRIGGER) == ""


def test_a_deployment_from_outside_is_newer_if_its_record_is() -> None:
    before = replace(OURS, pipeline=None)
    newer = Deployment(id=51, sha=OTHER, status="success")
    assert "deployment 51 is newer" in said(Records(there=[newer, before]), Way.TRIGGER, pipeline=None)
    assert said(Records(there=[replace(newer, id=49), before]), Way.TRIGGER, pipeline=None) == ""


def test_an_annotated_pipeline_that_never_was_on_staging_starts_nothing_until_it_was(
    world: World, replica: Replica
) -> None:
    wanted = replace(WANTED, commit=Commit(project=PATH, sha=world.sha, pipeline=world.pipelines[0]))
    replica.cluster.wants(wanted)
    refused = settled(replica)
    assert refused is not None
    assert (refused.state, "no deployment to staging" in refused.message) == (PromotedState.REFUSED, True)
    sha = world.project.commit({".gitlab-ci.yml": STAGED}, action="update")
    (made,) = world.project.pipelines(sha=sha)
    forged = replace(wanted, commit=replace(wanted.commit, pipeline=made["id"]))
    replica.cluster.wants(forged)
    refused = settled(replica)
    assert refused is not None
    assert f"is one of commit {sha[:8]}" in refused.message
    replica.cluster.wants(replace(forged, commit=replace(forged.commit, sha=sha)))
    deadline, pause = time.monotonic() + PATIENCE, pauses()
    while not (became := settled(replica)) or became.state is not PromotedState.DONE:
        assert time.monotonic() < deadline, became
        time.sleep(next(pause))
        replica.clock.advance(UNPROVEN)
