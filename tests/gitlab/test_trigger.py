"""The pipeline that promotes: started once when the gate opens, and told what was judged."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gate.model import Commit, Promote, PromotedState, Promotion, Stance, Verdict, Way
from tests.clocks import HandClock
from tests.gitlab.ground import ASKED, PATH, World
from tests.gitlab.promoting import Cluster, History, Replica, settled
from tests.waiting import pauses

PATIENCE = 60.0
SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(6, 300))]


@pytest.fixture
def replica(world: World) -> Iterator[Replica]:
    yield Replica(world, Cluster(), HandClock())
    world.server.troubles.calm()


def judged(world: World, version: str) -> Promotion:
    return Promotion(
        subscription="web",
        promote=Promote(way=Way.TRIGGER, name="main"),
        commit=Commit(project=PATH, sha=world.sha, pipeline=world.pipelines[0]),
        version=version,
        stance=Stance.OPEN,
        verdict=Verdict.PASSED,
        number="0123456789",
    )


def started(world: World, version: str) -> list[dict[str, str]]:
    """What the pipelines for a version were told."""
    project = world.project
    found = project.client.get(f"/projects/{project.id}/pipelines", source="api", per_page=100)
    told = [project.client.get(f"/projects/{project.id}/pipelines/{each['id']}/variables") for each in found]
    said = [{one["key"]: one["value"] for one in each} for each in told]
    return [each for each in said if each.get("CHAOS_VERSION") == version]


def becomes(replica: Replica, promotion: Promotion) -> Any:
    replica.cluster.wants(promotion)
    return settled(replica)


def test_the_pipeline_is_told_what_was_judged(world: World, replica: Replica) -> None:
    wanted = judged(world, "told")
    for stance in (Stance.AWAIT, Stance.SHUT):
        assert becomes(replica, replace(wanted, stance=stance)) is None
    assert started(world, "told") == []
    assert becomes(replica, wanted).state is PromotedState.DONE
    assert started(world, "told") == [
        {
            "CHAOS_PROJECT": PATH,
            "CHAOS_SHA": world.sha,
            "CHAOS_PIPELINE": str(world.pipelines[0]),
            "CHAOS_VERSION": "told",
            "CHAOS_VERDICT": "0123456789",
        }
    ]


def test_a_gate_that_forgot_everything_finds_the_pipeline_again(world: World, replica: Replica) -> None:
    wanted = judged(world, "forgotten")
    assert becomes(replica, wanted).state is PromotedState.DONE
    again = Replica(world, Cluster(), HandClock())
    assert "started pipeline" in becomes(again, replace(wanted, number="another")).message
    assert len(started(world, "forgotten")) == 1


def test_a_pipeline_that_the_gate_has_started_starts_no_other(world: World, replica: Replica) -> None:
    wanted = judged(world, "again")
    assert becomes(replica, wanted).state is PromotedState.DONE
    project = world.project
    made = project.client.get(
        f"/projects/{project.id}/pipelines", source="api", sha=world.sha, order_by="id", sort="desc"
    )
    again = replace(wanted.commit, pipeline=made[0]["id"])
    refused = becomes(replica, replace(wanted, commit=again))
    assert (refused.state, "was started by the gate's own user" in refused.message) == (PromotedState.REFUSED, True)
    assert len(started(world, "again")) == 1


def test_a_child_of_a_pipeline_that_the_gate_has_started_starts_no_other(world: World, replica: Replica) -> None:
    project = world.project
    project.client.post(f"{project.path}/repository/branches", branch="children", ref="main")
    project.commit({"child.yml": "deploy: {script: [exit 0]}\n"}, branch="children")
    bridge = {".gitlab-ci.yml": "staging: {trigger: {include: child.yml}}\n"}
    sha = project.commit(bridge, branch="children", action="update")
    by_a_person = project.client.post(f"{project.path}/pipeline", ref="children")["id"]
    wanted = replace(judged(world, "children"), promote=Promote(way=Way.TRIGGER, name="children"))
    wanted = replace(wanted, commit=Commit(project=PATH, sha=sha, pipeline=by_a_person))
    assert becomes(replica, wanted).state is PromotedState.DONE
    found = project.client.get(f"/projects/{project.id}/pipelines", ref="children", username="bot")
    child = child_of(world, found[0]["id"])
    refused = becomes(replica, replace(wanted, commit=replace(wanted.commit, pipeline=child)))
    assert (refused.state, "or is a child of one that was" in refused.message) == (PromotedState.REFUSED, True)
    assert len(started(world, "children")) == 1


def child_of(world: World, pipeline: int) -> int:
    """The pipeline that the bridge of a pipeline has started."""
    project, deadline, pause = world.project, time.monotonic() + PATIENCE, pauses()
    while True:
        (bridge,) = project.client.get(f"/projects/{project.id}/pipelines/{pipeline}/bridges")
        if bridge["downstream_pipeline"]:
            return int(bridge["downstream_pipeline"]["id"])
        assert time.monotonic() < deadline, bridge
        time.sleep(next(pause))


def test_a_branch_that_is_not_there_is_said(world: World, replica: Replica) -> None:
    wanted = judged(world, "nowhere")
    refused = becomes(replica, replace(wanted, promote=replace(wanted.promote, name="mian")))
    assert refused.state is PromotedState.REFUSED
    assert "Reference not found" in refused.message


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_one_pipeline_is_started(world: World, seed: int) -> None:
    wanted = judged(world, f"seed-{seed}")
    history = History(world, seed, wanted, lambda: True, f"{ASKED}/pipeline")
    try:
        became = history.plays()
    finally:
        world.server.troubles.calm()
    story = "\n".join(history.lines)
    assert len(started(world, f"seed-{seed}")) == 1, story
    assert became is not None, story
    assert became.state is PromotedState.DONE, story
