"""A row that nobody will finish is canceled, and every other row is left alone."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from gate.errors import Temporary
from gate.gitlab.orphans import Own, Sweep
from gate.gitlab.statuses import post
from gate.model import Announcement, Commit, Gate, GateStatus, StatusState, Workload, WorkloadKind, WorkloadName
from tests.gitlab.ground import PATH, World
from tests.sandbox.gitlab_world import DEVELOPER, Client

WORKLOAD = Workload(name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web"), uid="u")
LINK = "https://gate.example.org"


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"chaos/{request.node.name[:80]}/web"


def gate(*announcements: Announcement, told: Iterable[Announcement] = ()) -> Gate:
    accepted = {each.key: each.mark for each in told}
    status = GateStatus(announcements=announcements)
    return Gate(namespace="shop", name="deployment-web", uid="g", workload=WORKLOAD, status=status, accepted=accepted)


def said(world: World, name: str, state: StatusState = StatusState.RUNNING) -> Announcement:
    commit = Commit(project=PATH, sha=world.sha, pipeline=world.pipelines[0])
    return Announcement(name=name, commit=commit, version="v", state=state, description="d")


def sweep(world: World, *gates: Gate, own: Own) -> int:
    return Sweep(lambda _: world.client, lambda: gates, lambda: own).run([PATH])


def states(world: World, name: str) -> list[str]:
    return [row["status"] for row in world.shown(name, world.pipelines[0])]


@pytest.mark.parametrize("state", [StatusState.PENDING, StatusState.RUNNING])
def test_a_row_that_no_gate_knows_of_is_canceled_and_says_why(world: World, name: str, state: StatusState) -> None:
    world.client.send(post(said(world, name, state)))
    assert sweep(world, gate(), own=Own(names={name})) == 1
    (row,) = world.shown(name, world.pipelines[0])
    assert row["status"] == "canceled"
    assert "the gate judges this no more" in row["description"]
    assert sweep(world, gate(), own=Own(names={name})) == 0


def test_a_row_that_a_gate_still_looks_after_is_left_to_it(world: World, name: str) -> None:
    running = said(world, name)
    world.client.send(post(running))
    untold = replace(running, state=StatusState.SUCCESS)
    assert sweep(world, gate(running, told=[running]), own=Own(names={name})) == 0
    assert sweep(world, gate(untold), own=Own(names={name})) == 0
    assert states(world, name) == ["running"]


def test_a_row_that_was_written_over_its_end_gets_that_end_again(world: World, name: str) -> None:
    passed = said(world, name, StatusState.SUCCESS)
    world.client.send(post(passed))
    world.client.send(post(said(world, name)))
    assert states(world, name) == ["running"]
    assert sweep(world, gate(passed, told=[passed]), own=Own(names={name})) == 1
    assert states(world, name) == ["success"]


def test_the_row_of_another_gate_with_the_same_bot_is_not_touched(world: World, name: str) -> None:
    theirs = "https://gate.elsewhere.example.org/gates/shop/Deployment/web"
    world.client.send(post(said(world, name), theirs))
    assert sweep(world, own=Own(names={name}, link=LINK)) == 0
    assert sweep(world, own=Own(names=set())) == 0
    assert states(world, name) == ["running"]


def test_the_link_tells_a_row_of_ours_whose_subscription_is_gone(world: World, name: str) -> None:
    world.client.send(post(said(world, name), f"{LINK}/gates/shop/Deployment/web"))
    assert sweep(world, own=Own(names=set(), link=LINK)) == 1
    assert states(world, name) == ["canceled"]


def test_what_another_user_or_a_job_has_there_is_not_touched(world: World, name: str) -> None:
    root = world.project.client
    somebody = root.post("/users", username="somebody", name="S", email="s@example.org")["id"]
    root.post(f"{world.project.path}/members", user_id=somebody, access_level=DEVELOPER)
    token = root.post(f"/users/{somebody}/personal_access_tokens", name="x", scopes=["api"])["token"]
    client = Client(root.url, token)
    world.project.say(world.sha, "running", client=client, name=name, pipeline_id=world.pipelines[0])
    client.close()
    assert sweep(world, own=Own(names={name, "later"})) == 0
    assert states(world, name) == ["running"]


def test_rows_beyond_the_first_page_are_found(world: World, name: str) -> None:
    names = {f"{name}-{number}" for number in range(101)}
    for each in names:
        world.client.send(post(said(world, each)))
    assert sweep(world, own=Own(names=names)) == 101


def test_a_project_that_cannot_be_asked_does_not_keep_the_others_from_it(world: World, name: str) -> None:
    world.client.send(post(said(world, name)))

    def gitlab(project: str) -> object:
        if project != PATH:
            raise Temporary("away")
        return world.client

    assert Sweep(gitlab, list, lambda: Own(names={name})).run(["a/b", PATH, "x/y"]) == 1
