"""The gate's own approval of a deployment to production: given once, with the verdict as comment."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gate.model import Commit, OnApproved, OnFailed, Promote, PromotedState, Promotion, Stance, Verdict, Way
from tests.clocks import HandClock
from tests.gitlab.ground import ASKED, PATH, World
from tests.gitlab.promoting import Cluster, History, Replica, settled
from tests.sandbox.gitlab_world import MAINTAINER
from tests.waiting import pauses

SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(6, 300))]
OVER = {"success", "failed", "manual"}
PATIENCE = 60.0
SHIP = "ship: {script: 'true', environment: NAME, when: manual, allow_failure: false}\n"


@pytest.fixture
def replica(world: World) -> Iterator[Replica]:
    yield Replica(world, Cluster(), HandClock())
    world.server.troubles.calm()


def waiting(world: World, name: str, *, rules: bool = True, also: Sequence[int] = ()) -> Promotion:
    """A pipeline whose deployment to that environment waits for the bot's approval, and those of others."""
    project = world.project
    names = [each["name"] for each in project.client.get(f"{project.path}/protected_environments")]
    if name not in names:
        given = {"deploy_access_levels": [{"access_level": 40}]}
        if rules:
            given["approval_rules"] = [{"user_id": user} for user in (world.bot, *also)]
        project.client.post(f"{project.path}/protected_environments", name=name, **given)
    sha = project.commit({".gitlab-ci.yml": SHIP.replace("NAME", name)}, action="update")
    (made,) = project.pipelines(sha=sha)
    return Promotion(
        subscription="web",
        promote=Promote(way=Way.APPROVE, name=name),
        commit=Commit(project=PATH, sha=sha, pipeline=made["id"]),
        version="v",
        stance=Stance.OPEN,
        verdict=Verdict.PASSED,
        message="passed loss",
    )


def shown(world: World, promotion: Promotion) -> Any:
    """The deployment of the pipeline."""
    project = world.project
    found = project.client.get(f"/projects/{project.id}/deployments", environment=promotion.promote.name, per_page=100)
    (ours,) = [each for each in found if each["deployable"]["pipeline"]["id"] == promotion.commit.pipeline]
    return project.client.get(f"/projects/{project.id}/deployments/{ours['id']}")


def becomes(replica: Replica, promotion: Promotion) -> Any:
    replica.cluster.wants(promotion)
    return settled(replica)


def test_the_deployment_is_approved_with_the_verdict_as_comment(world: World, replica: Replica) -> None:
    wanted = waiting(world, "approved")
    assert becomes(replica, replace(wanted, stance=Stance.AWAIT)) is None
    assert shown(world, wanted)["approvals"] == []
    assert becomes(replica, wanted).state is PromotedState.DONE
    (given,) = shown(world, wanted)["approvals"]
    assert (given["user"]["id"], given["status"], given["comment"]) == (
        world.bot,
        "approved",
        "chaos gate: passed loss",
    )


def played(promotion: Promotion) -> Promotion:
    """The same, with the job to be played by the gate as well."""
    return replace(promotion, promote=replace(promotion.promote, on_approved=OnApproved.PLAY))


def ended(world: World, promotion: Promotion) -> list[tuple[str, int]]:
    """How every job that there ever was has ended, and who has started it."""
    path = f"/projects/{world.project.id}/pipelines/{promotion.commit.pipeline}/jobs"
    deadline, pause = time.monotonic() + PATIENCE, pauses()
    while True:
        rows = world.project.client.get(path, include_retried="true")
        if all(row["status"] in OVER for row in rows):
            return [(row["status"], row["user"]["id"]) for row in rows]
        assert time.monotonic() < deadline, rows
        time.sleep(next(pause))


def test_what_is_approved_is_left_to_people_unless_the_subscription_says_otherwise(
    world: World, replica: Replica
) -> None:
    wanted = waiting(world, "left to people")
    assert becomes(replica, wanted).state is PromotedState.DONE
    assert [status for status, _ in ended(world, wanted)] == ["manual"]
    wanted = played(waiting(world, "played"))
    assert becomes(replica, wanted).state is PromotedState.DONE
    assert ended(world, wanted) == [("success", world.bot)]
    assert [each["status"] for each in shown(world, wanted)["approvals"]] == ["approved"]


def test_the_job_is_played_when_the_last_approval_has_been_given(world: World, replica: Replica) -> None:
    project = world.project
    token = project.member("second-approver", MAINTAINER)  # root may not approve what he has started
    (person,) = project.client.get("/users", username="second-approver")
    wanted = played(waiting(world, "by two", also=[person["id"]]))
    replica.cluster.wants(wanted)
    for _ in range(3):
        replica.clock.advance(replica.steps() or pytest.fail("the gate looks no more"))
    assert [status for status, _ in ended(world, wanted)] == ["manual"]
    deployment = shown(world, wanted)["id"]
    path = f"/projects/{project.id}/deployments/{deployment}/approval"
    given = project.client.ask("POST", path, json={"status": "approved"}, headers={"PRIVATE-TOKEN": token})
    assert given.status_code == 201, given.text
    assert settled(replica).state is PromotedState.DONE
    assert ended(world, wanted) == [("success", world.bot)]


def test_a_job_that_a_person_plays_after_the_approval_is_done(world: World, replica: Replica) -> None:
    wanted = waiting(world, "by a person")
    becomes(replica, wanted)
    project = world.project
    (job,) = project.jobs(wanted.commit.pipeline or 0).values()
    project.client.ask("POST", f"{project.path}/jobs/{job['id']}/play")
    (before,) = ended(world, wanted)
    replica.cluster.gate = replace(replica.cluster.gate, promoted={})
    assert becomes(replica, played(wanted)).state is PromotedState.DONE
    assert ended(world, wanted) == [before]


def test_what_was_approved_is_not_played_any_more_when_a_newer_pipeline_deploys_there(
    world: World, replica: Replica
) -> None:
    older = waiting(world, "overtaken before it was played")
    becomes(replica, older)
    newer = waiting(world, "overtaken before it was played")
    replica.cluster.gate = replace(replica.cluster.gate, promoted={})
    refused = becomes(replica, played(older))
    assert f"is not played: pipeline {newer.commit.pipeline} is newer" in refused.message
    assert [status for status, _ in ended(world, older)] == ["manual"]


@pytest.mark.parametrize("seed", SEEDS[6:])
def test_whatever_goes_wrong_what_is_approved_is_played_once(world: World, seed: int) -> None:
    wanted = played(waiting(world, f"approve and play seed {seed}"))
    history = History(world, seed, wanted, lambda: ended(world, wanted), f"{ASKED}/(.*deployments|jobs)")
    try:
        became = history.plays()
    finally:
        world.server.troubles.calm()
    story = "\n".join(history.lines)
    assert [each["status"] for each in shown(world, wanted)["approvals"]] == ["approved"], story
    assert ended(world, wanted) == [("success", world.bot)], story
    assert became is not None, story
    assert became.state is PromotedState.DONE, story


@pytest.mark.parametrize(
    ("verdict", "on_failed", "status"),
    [
        (Verdict.FAILED, OnFailed.REJECT, ["rejected"]),
        (Verdict.FAILED, OnFailed.WAIT, []),
        (Verdict.ERRORED, OnFailed.REJECT, []),
    ],
)
def test_only_what_has_failed_is_rejected_and_only_where_that_is_wanted(
    world: World, replica: Replica, verdict: Verdict, on_failed: OnFailed, status: list[str]
) -> None:
    wanted = waiting(world, f"shut {verdict} {on_failed}")
    wanted = replace(wanted, promote=replace(wanted.promote, on_failed=on_failed))
    becomes(replica, replace(wanted, stance=Stance.SHUT, verdict=verdict))
    assert [each["status"] for each in shown(world, wanted)["approvals"]] == status


def test_an_older_deployment_is_not_approved(world: World, replica: Replica) -> None:
    older, newer = waiting(world, "overtaken"), waiting(world, "overtaken")
    assert f"pipeline {newer.commit.pipeline} is newer" in becomes(replica, older).message
    assert shown(world, older)["approvals"] == []


def test_a_deployment_that_waits_for_nobody_is_said(world: World, replica: Replica) -> None:
    wanted = waiting(world, "no rules", rules=False)
    project = world.project
    (job,) = project.jobs(wanted.commit.pipeline or 0).values()
    project.client.ask("POST", f"{project.path}/jobs/{job['id']}/play")
    assert "did not wait for the gate" in becomes(replica, wanted).message


def test_a_deployment_that_is_not_there_is_said(world: World, replica: Replica) -> None:
    wanted = waiting(world, "there")
    wanted = replace(wanted, promote=replace(wanted.promote, name="elsewhere"))
    assert "has no deployment to elsewhere" in becomes(replica, wanted).message


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_there_is_one_approval(world: World, seed: int) -> None:
    wanted = waiting(world, f"approve seed {seed}")
    history = History(world, seed, wanted, lambda: True, f"{ASKED}/.*deployments")
    try:
        became = history.plays()
    finally:
        world.server.troubles.calm()
    story = "\n".join(history.lines)
    assert [(each["user"]["id"], each["status"]) for each in shown(world, wanted)["approvals"]] == [
        (world.bot, "approved")
    ], story
    assert became is not None, story
    assert became.state is PromotedState.DONE, story
