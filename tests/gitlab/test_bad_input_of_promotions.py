"""What people get wrong between a verdict and production: nothing is opened, and one line says what to do about it."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from gate.model import Commit, Promote, Promoted, PromotedState, Promotion, Stance, Verdict, Way
from tests.clocks import HandClock
from tests.gitlab.ground import World
from tests.gitlab.promoting import Cluster, Replica, settled
from tests.sandbox.gitlab_world import GUEST, MAINTAINER, Project

NUMBERS = itertools.count(1)
SHIP = "ship: {script: 'true', environment: live, when: manual, allow_failure: false}\n"
PLAYS = Promote(way=Way.PLAY, name="ship", environment="live")
APPROVES = Promote(way=Way.APPROVE, name="live")
STARTS = Promote(way=Way.TRIGGER, name="main")


@pytest.fixture
def project(world: World, request: pytest.FixtureRequest) -> Project:
    """With a protected environment, and the bot as Maintainer."""
    made = Project(world.project.client, f"wrong/promotion-{next(NUMBERS)}")
    made.client.post(f"{made.path}/members", user_id=world.bot, access_level=MAINTAINER)
    allowed = [{"user_id": world.bot}]
    rules = {"deploy_access_levels": allowed, "approval_rules": allowed if "approve" in request.node.name else []}
    made.client.post(f"{made.path}/protected_environments", name="live", **rules)
    return made


@pytest.fixture
def judged(project: Project) -> Callable[[Promote], Promotion]:
    """A version that has passed, whose pipeline waits."""

    def judge(promote: Promote) -> Promotion:
        sha = project.commit({".gitlab-ci.yml": SHIP})
        (pipeline,) = project.pipelines(sha=sha)
        path = project.path.removeprefix("/projects/").replace("%2F", "/")
        return Promotion(
            subscription="web",
            promote=promote,
            commit=Commit(project=path, sha=sha, pipeline=pipeline["id"]),
            version="v",
            stance=Stance.OPEN,
            verdict=Verdict.PASSED,
        )

    return judge


@pytest.fixture
def becomes(world: World) -> Callable[[Promotion], Promoted | None]:
    replica = Replica(world, Cluster(), HandClock())

    def become(wanted: Promotion) -> Promoted | None:
        replica.cluster.wants(wanted)
        return settled(replica)

    return become


def deleted_pipeline(project: Project, wanted: Promotion) -> Promotion:
    gone = project.client.ask("DELETE", f"{project.path}/pipelines/{wanted.commit.pipeline}")
    assert gone.status_code == 204
    return wanted


def force_push(project: Project, wanted: Promotion) -> Promotion:
    return replace(wanted, commit=replace(wanted.commit, sha="f" * 40))


def wrong_project(project: Project, wanted: Promotion) -> Promotion:
    return replace(wanted, commit=replace(wanted.commit, project="wrong/nowhere"))


def renamed(project: Project, wanted: Promotion) -> Promotion:
    """The environment, or the branch."""
    name = {"environment": "other"} if wanted.promote.way is Way.PLAY else {"name": "other"}
    return replace(wanted, promote=replace(wanted.promote, **name))


def no_pipelines(project: Project, wanted: Promotion) -> Promotion:
    project.client.ask("PUT", project.path, json={"builds_access_level": "disabled"})
    return wanted


def no_rights(project: Project, wanted: Promotion) -> Promotion:
    bot = project.client.get(f"{project.path}/protected_environments/live")["deploy_access_levels"][0]["user_id"]
    project.client.ask("PUT", f"{project.path}/members/{bot}", json={"access_level": GUEST})
    return wanted


ANNOTATE = "let the deploy job write its annotations: `chaos-gate annotate` prints the lines"
COMPARE = "compare the annotations of the workload with the pipeline, and make the user a member of the project"
ROLE = "it needs the role Developer, on a protected branch Maintainer, and the project needs CI/CD switched on"


@pytest.mark.parametrize(
    ("wrong", "promote", "remedy"),
    [
        (deleted_pipeline, PLAYS, COMPARE),
        (deleted_pipeline, APPROVES, "compare `promote.approve` with its jobs"),
        (deleted_pipeline, STARTS, ANNOTATE),
        (force_push, PLAYS, ANNOTATE),
        (force_push, APPROVES, ANNOTATE),
        (force_push, STARTS, ANNOTATE),
        (wrong_project, PLAYS, COMPARE),
        (wrong_project, APPROVES, COMPARE),
        (wrong_project, STARTS, COMPARE),
        (renamed, PLAYS, "protect the environment, and allow the gate's bot to deploy there, by name, and no role"),
        (renamed, APPROVES, "compare `promote.approve` with its jobs"),
        (renamed, STARTS, "name a branch or tag that is there in `promote.trigger`"),
        (no_pipelines, PLAYS, ROLE),
        (no_pipelines, STARTS, ROLE),
        (no_rights, PLAYS, ROLE),
        (no_rights, APPROVES, ROLE),
        (no_rights, STARTS, ROLE),
    ],
    ids=lambda each: getattr(each, "__name__", getattr(each, "way", "")),
)
def test_what_is_wrong_opens_nothing_and_says_what_to_do(
    project: Project, judged, becomes, wrong: Callable[[Project, Promotion], Promotion], promote: Promote, remedy: str
) -> None:
    became = becomes(wrong(project, judged(promote)))
    assert became is not None
    assert (became.state, remedy in became.message) == (PromotedState.REFUSED, True), became
    project.client.ask("PUT", project.path, json={"builds_access_level": "enabled"})
    assert [job["status"] for each in project.pipelines() for job in project.jobs(each["id"]).values()] in (
        [],
        ["manual"],
    )
