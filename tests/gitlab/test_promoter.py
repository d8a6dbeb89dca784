"""What becomes of a promotion is told when it is written down, and a gate that cannot be written is left in peace."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from gate.errors import Conflict, Denied, GateError
from gate.gitlab.promoter import UNSAVED, UNSAVED_MOST
from gate.gitlab.protocol import Request
from gate.model import Commit, Promote, PromotedState, Promotion, Stance, Verdict, Way
from tests.clocks import HandClock
from tests.gitlab.ground import PATH, World
from tests.gitlab.promoting import Cluster, Replica, settled

PROMOTER = "gate.gitlab.promoter"


@dataclass
class Unwritable:
    """The API server refuses to write the gate."""

    errors: list[GateError] = field(default_factory=list)

    def perhaps(self, line: str, request: Request | None = None) -> None:
        if line == "dies before it saves" and self.errors:
            raise self.errors.pop(0)


@pytest.fixture
def replica(world: World) -> Iterator[Replica]:
    replica = Replica(world, Cluster(), HandClock(), Unwritable())
    yield replica
    world.server.troubles.calm()


def wanted(world: World, version: str) -> Promotion:
    return Promotion(
        subscription="web",
        promote=Promote(way=Way.TRIGGER, name="main"),
        commit=Commit(project=PATH, sha=world.sha, pipeline=world.pipelines[0]),
        version=version,
        stance=Stance.OPEN,
        verdict=Verdict.PASSED,
        number="0123456789",
    )


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage().split()[0] for each in caplog.records if each.name == PROMOTER]


def test_a_gate_that_cannot_be_written_is_said_once_and_tried_ever_more_rarely(
    world: World, replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", PROMOTER)
    replica.fate.errors = [Denied("may not patch chaosgates/status") for _ in range(10)]
    replica.cluster.wants(wanted(world, "unwritable"))
    pauses = []
    for _ in range(10):
        pause = replica.steps()
        assert pause is not None
        pauses.append(pause)
        replica.clock.advance(pause)
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (2 * UNSAVED, UNSAVED_MOST)
    assert told(caplog) == ["gitlab.unsaved"]
    became = settled(replica)
    assert became is not None
    assert became.state is PromotedState.DONE
    assert told(caplog) == ["gitlab.unsaved", "gitlab.promoted"]


def test_a_gate_that_was_read_too_early_is_read_again_without_a_word(
    world: World, replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", PROMOTER)
    replica.fate.errors = [Conflict("somebody wrote it meanwhile") for _ in range(3)]
    replica.cluster.wants(wanted(world, "conflicts"))
    for _ in range(3):
        assert replica.steps() == UNSAVED
        replica.clock.advance(UNSAVED)
    assert told(caplog) == []
    became = settled(replica)
    assert became is not None
    assert became.state is PromotedState.DONE
