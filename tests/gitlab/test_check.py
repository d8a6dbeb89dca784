"""The external status check: pending for as long as it takes, then passed or failed, on the head that was judged."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from gate.gitlab.promoter import BREATH
from gate.gitlab.promotion.check import AGAIN
from gate.gitlab.promotion.steps import REFUSED_PAUSE, SOON
from gate.gitlab.protocol import Answer, Fate, get_status_checks, meaning
from gate.model import Commit, Promote, PromotedState, Promotion, Stance, Verdict, Way
from gate.sandbox.gitlab.trouble import Trouble
from tests.clocks import START, HandClock
from tests.gitlab.ground import ASKED, PATH, World, served
from tests.gitlab.promoting import KEY, Cluster, Replica

GIVEN_UP = timedelta(minutes=2)


@dataclass
class Request:
    """A merge request from a branch of its own, and the check that it asks."""

    world: World
    name: str
    iid: int = 0
    sha: str = ""

    def opens(self) -> "Request":
        project = self.world.project
        project.client.post(f"{project.path}/repository/branches", branch=self.name, ref="main")
        self.commits()
        body = {"source_branch": self.name, "target_branch": "main", "title": self.name}
        self.iid = project.client.post(f"{project.path}/merge_requests", **body)["iid"]
        url = {"external_url": "http://127.0.0.1:9/", "name": self.name}
        project.client.post(f"{project.path}/external_status_checks", **url)
        return self

    def commits(self) -> None:
        number = len(self.sha)
        self.sha = self.world.project.commit({f"{self.name}-{number}-{self.iid}": "x"}, branch=self.name)

    @property
    def promotion(self) -> Promotion:
        return Promotion(
            subscription="web",
            promote=Promote(way=Way.CHECK, name=self.name),
            commit=Commit(project=PATH, sha=self.sha),
            version="v",
            stance=Stance.AWAIT,
        )

    def shown(self) -> Any:
        project = self.world.project
        found = project.client.get(f"{project.path}/merge_requests/{self.iid}/status_checks")
        return next(each["status"] for each in found if each["name"] == self.name)


@pytest.fixture(scope="module")
def clock() -> HandClock:
    """That of GitLab, and of the gate."""
    return HandClock()


@pytest.fixture(scope="module")
def world(clock: HandClock) -> Iterator[World]:
    with served(clock.now) as world:
        yield world


@pytest.fixture
def replica(world: World, clock: HandClock) -> Iterator[Replica]:
    yield Replica(world, Cluster(), clock)
    world.server.troubles.calm()


def says(replica: Replica, wanted: Promotion, stance: Stance, verdict: Verdict | None = None) -> timedelta | None:
    replica.cluster.wants(replace(wanted, stance=stance, verdict=verdict))
    return replica.steps()


@pytest.mark.parametrize(
    ("stance", "verdict", "shown"),
    [
        (Stance.OPEN, Verdict.PASSED, "passed"),
        (Stance.SHUT, Verdict.FAILED, "failed"),
        (Stance.SHUT, Verdict.ERRORED, "failed"),
    ],
)
def test_it_is_pending_and_then_what_the_gate_says(
    world: World, replica: Replica, stance: Stance, verdict: Verdict, shown: str
) -> None:
    asked = Request(world, f"says-{verdict.lower()}").opens()
    assert says(replica, asked.promotion, Stance.AWAIT) == AGAIN
    assert asked.shown() == "pending"
    says(replica, asked.promotion, stance, verdict)
    assert asked.shown() == shown


def test_pending_is_said_again_before_gitlab_gives_it_up(world: World, replica: Replica) -> None:
    asked = Request(world, "long").opens()
    assert says(replica, asked.promotion, Stance.AWAIT) is not None
    for _ in range(6):
        world.server.troubles.order(Trouble.BAD_GATEWAY, path=f"{ASKED}/.*merge_requests")  # the next is lost
        for _ in range(2):
            replica.clock.advance(AGAIN / 2)
            assert asked.shown() == "pending"
            replica.steps()
    replica.clock.advance(GIVEN_UP + AGAIN)
    assert asked.shown() == "failed"  # nobody has said anything for too long
    replica.steps()
    assert asked.shown() == "pending"


def test_a_merge_request_that_moved_on_is_told_nothing_more(world: World, replica: Replica) -> None:
    asked = Request(world, "moves").opens()
    judged = asked.promotion
    says(replica, judged, Stance.AWAIT)
    asked.commits()
    says(replica, judged, Stance.OPEN, Verdict.PASSED)
    assert asked.shown() == "pending"
    says(replica, asked.promotion, Stance.OPEN, Verdict.PASSED)
    assert asked.shown() == "passed"


def test_a_result_that_comes_too_late_is_said_to_be_stale(world: World, replica: Replica) -> None:
    asked = Request(world, "late").opens()
    moves = replace_send(replica, asked.commits)
    says(moves, asked.promotion, Stance.OPEN, Verdict.PASSED)
    (became,) = moves.cluster.gate.promoted.values()
    assert became.state is PromotedState.REFUSED
    assert "the answer is stale" in became.message
    assert asked.shown() == "pending"


def replace_send(replica: Replica, before: Any) -> Replica:
    """The same replica; something happens right before it sends."""

    class Hurried:
        def perhaps(self, line: str, request: object = None) -> None:
            if line == "dies before it sends":
                before()

    replica.fate = Hurried()
    return replica


@pytest.mark.parametrize("trouble", [each for each in Trouble if "slow" not in each])
def test_whatever_goes_wrong_it_passes_in_the_end(world: World, replica: Replica, trouble: Trouble) -> None:
    asked = Request(world, f"meets-{trouble.replace(' ', '-').replace(',', '')}").opens()
    for method in ("GET", "POST"):
        world.server.troubles.order(trouble, method=method, path=f"{ASKED}/.*merge_requests")
    replica.cluster.wants(replace(asked.promotion, stance=Stance.OPEN, verdict=Verdict.PASSED))
    for _ in range(5):
        pause = replica.steps()
        assert pause is not None
        replica.clock.advance(pause)
    assert (asked.shown(), world.server.troubles.left) == ("passed", 0)


def test_what_is_final_is_looked_at_ever_more_rarely(world: World, replica: Replica) -> None:
    asked = Request(world, "final").opens()
    says(replica, asked.promotion, Stance.OPEN, Verdict.PASSED)
    pauses = []
    for _ in range(8):
        replica.clock.advance(REFUSED_PAUSE)
        replica.promoter.hurry()
        pause = replica.steps()
        assert pause is not None
        pauses.append(pause)
    assert asked.shown() == "passed"
    assert pauses == [REFUSED_PAUSE] * 8
    says(replica, asked.promotion, Stance.AWAIT)
    replica.clock.advance(AGAIN)
    assert replica.steps() == AGAIN


def test_only_merge_requests_whose_head_it_is_are_told(world: World, replica: Replica) -> None:
    closed, other = Request(world, "closed").opens(), Request(world, "above").opens()
    below = other.promotion
    other.commits()
    path = f"{world.project.path}/merge_requests/{closed.iid}"
    world.project.client.ask("PUT", path, json={"state_event": "close"})
    for wanted in (closed.promotion, below):
        replica.promoter.hurry()
        assert says(replica, wanted, Stance.OPEN, Verdict.PASSED) is not None
    assert (closed.shown(), other.shown()) == ("pending", "pending")
    assert replica.cluster.gate.promoted == {}


def test_a_commit_that_the_project_does_not_have_is_said(world: World, replica: Replica) -> None:
    asked = Request(world, "foreign").opens().promotion
    says(replica, replace(asked, commit=replace(asked.commit, sha="f" * 40)), Stance.OPEN, Verdict.PASSED)
    (became,) = replica.cluster.gate.promoted.values()
    assert (became.state, "404" in became.message) == (PromotedState.REFUSED, True)


def test_a_hint_has_it_looked_at_sooner_but_not_again_and_again(world: World, replica: Replica) -> None:
    asked = Request(world, "hint").opens()
    says(replica, asked.promotion, Stance.AWAIT)
    replica.promoter.look(*KEY)
    assert replica.steps() == BREATH
    replica.clock.advance(BREATH)
    assert replica.steps() == AGAIN
    world.server.troubles.order(Trouble.TOO_MANY_SILENT, method="GET", path=f"{ASKED}/.*merge_requests")
    replica.clock.advance(AGAIN)
    assert replica.steps() == SOON
    replica.clock.advance(BREATH)
    replica.promoter.look(*KEY)
    assert replica.steps() == SOON - BREATH  # GitLab has asked for time


def test_a_project_without_the_licence_does_not_cost_the_token_its_trust() -> None:
    request = get_status_checks(PATH, 1)
    said = meaning(request, Answer(status=401, body=b'{"message": "401 Unauthorized"}'), now=START)
    assert said.fate is Fate.NEVER
    assert "has no licence for external status checks" in said.why
