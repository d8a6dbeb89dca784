"""Two real gates: when the one that leads dies, is stopped or is told to end, the other one leads, and it alone."""

import logging
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.leading.replicas import Place, Replica, on_control_plane, on_sandbox, replicas

log = logging.getLogger(__name__)

pytestmark = pytest.mark.long

FAILOVER = 15.0
"""Seconds within which another replica must lead. How many it took is logged: see it with --log-cli-level=INFO."""


@pytest.fixture(params=["sandbox", pytest.param("control plane", marks=pytest.mark.cluster)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with on_sandbox(tmp_path) if request.param == "sandbox" else on_control_plane(tmp_path) as made:
        yield made


@pytest.fixture
def two(place: Place, tmp_path: Path) -> Iterator[tuple[Replica, Replica]]:
    """The first one leads, and executes a run."""
    with replicas(place, tmp_path) as started:
        yield started


def leads(replica: Replica) -> bool:
    return bool(replica.readyz().get("leads"))


def test_a_replica_that_does_not_lead_is_ready_serves_what_there_is_and_passes_on_what_it_hears(
    place: Place, two: tuple[Replica, Replica], tmp_path: Path
) -> None:
    leader, other = two
    seen = other.readyz()
    assert (seen["ready"], seen["leads"], seen["leader"]) == (True, False, leader.identity)
    assert leads(leader)
    other.until(lambda: other.get("/api/v1/runs").json()["items"])
    assert other.get("/").status_code == 200
    assert other.writes(datetime.min.replace(tzinfo=UTC)) == []
    revision = place.push(tmp_path / "catalogue")
    other.hears_of_a_push()
    leader.until(lambda: leader.readyz()["catalogue"]["revision"] == revision)


def test_when_the_leader_is_killed_the_other_one_leads_and_takes_over_its_run(
    place: Place, two: tuple[Replica, Replica]
) -> None:
    leader, other = two
    leader.signal(signal.SIGKILL)
    took = other.until(lambda: leads(other))
    log.info("failover=%.1fs how=SIGKILL", took)
    assert took < FAILOVER
    other.until(lambda: place.executor() == other.identity)
    assert len(place.runs()) == 1
    place.upgrade("web:2")
    other.until(lambda: len(place.runs()) == 2)


@pytest.mark.thorough
def test_a_leader_that_was_stopped_writes_nothing_when_it_wakes(place: Place, two: tuple[Replica, Replica]) -> None:
    """It wakes in the middle of a run, and to an upgrade that nobody has seen, because the other one is stopped too."""
    leader, other = two
    leader.signal(signal.SIGSTOP)
    took = other.until(lambda: leads(other))
    since = datetime.now(UTC)
    log.info("failover=%.1fs how=SIGSTOP", took)
    assert took < FAILOVER
    other.until(lambda: place.executor() == other.identity)
    other.signal(signal.SIGSTOP)
    place.upgrade("web:2")
    leader.signal(signal.SIGCONT)
    leader.until(lambda: "lead.end" in leader.log)
    asleep = datetime.now(UTC) + timedelta(seconds=4)
    leader.until(lambda: datetime.now(UTC) > asleep)
    assert not leads(leader)
    assert leader.reads(since)
    assert leader.writes(since) == []
    other.signal(signal.SIGCONT)
    other.until(lambda: len(place.runs()) == 2)
    assert place.leader() == other.identity
    assert leader.writes(since) == []


@pytest.mark.thorough
def test_a_leader_that_is_told_to_end_hands_over_without_a_wait(place: Place, two: tuple[Replica, Replica]) -> None:
    leader, other = two
    leader.signal(signal.SIGTERM)
    leader.until(lambda: place.leader() != leader.identity)
    took = other.until(lambda: leads(other))
    log.info("failover=%.1fs how=SIGTERM", took)
    assert took < 4
    other.until(lambda: place.executor() == other.identity)
