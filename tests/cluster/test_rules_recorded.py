"""What complete means, on workloads as a real control plane had them: see `tests/samples/workloads.py`."""

from pathlib import Path

import pytest

from gate.cluster.kinds import KINDS
from gate.cluster.kinds.observed import Observed
from gate.cluster.rollouts import rollout_of, unfinished
from gate.model import Progress, WorkloadKind
from tests.samples.workloads import Moment, Moments

SAMPLES = Path(__file__).parent.parent / "samples" / "workloads"
RECORDED = [
    pytest.param(kind, moment, id=f"{kind}: {moment.says}")
    for kind in (WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.DAEMON_SET)
    for moment in Moments.from_json((SAMPLES / f"{kind.lower()}.json").read_text()).moments
]


def observed(moment: Moment) -> Observed:
    """The recording has names for times; the one that is read needs the form of one."""
    metadata = {**moment.workload["metadata"], "creationTimestamp": "2026-11-21T12:00:00Z"}
    return Observed(
        workload={**moment.workload, "metadata": metadata},
        revisions=[each for each in moment.below if each["kind"] != "Pod"],
        pods=moment.of_kind("Pod"),
    )


@pytest.mark.parametrize(("kind", "moment"), RECORDED)
def test_a_rollout_is_complete_exactly_when_a_person_would_say_so(kind: WorkloadKind, moment: Moment) -> None:
    rollout = rollout_of(kind, observed(moment))
    something_runs = bool(moment.of_kind("Pod"))
    assert (rollout.progress is Progress.COMPLETE) is (moment.complete and something_runs), rollout.message


@pytest.mark.parametrize(("kind", "moment"), RECORDED)
def test_the_status_alone_never_says_that_a_complete_rollout_is_not(kind: WorkloadKind, moment: Moment) -> None:
    seen = observed(moment)
    if rollout_of(kind, seen).progress is Progress.COMPLETE:
        assert unfinished(kind, seen.workload) is None


@pytest.mark.parametrize(("kind", "moment"), RECORDED)
def test_a_complete_rollout_runs_one_version_with_the_digests_of_its_containers(
    kind: WorkloadKind, moment: Moment
) -> None:
    seen = observed(moment)
    rollout = rollout_of(kind, seen)
    if rollout.progress is Progress.COMPLETE:
        assert rollout.version is not None
        assert all(image.digest.startswith("sha256:") for image in rollout.version.images)
        assert len(KINDS[kind].split(seen).current) == len(moment.of_kind("Pod"))


def test_a_deployment_that_is_stuck_has_failed() -> None:
    stuck = next(moment for _, moment in (param.values for param in RECORDED) if moment.says.startswith("stuck"))
    rollout = rollout_of(WorkloadKind.DEPLOYMENT, observed(stuck))
    assert rollout.progress is Progress.FAILED
    assert "progress" in rollout.message
