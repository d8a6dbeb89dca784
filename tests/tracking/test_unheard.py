"""Runs that are made and deleted before anybody has heard of them: no pass, and never two that count."""

from collections.abc import Callable

from gate.cluster.runs import Runs
from gate.model import Gate, Phase, Reason, Run, RunSpec, Verdict
from tests.grounds import Ground
from tests.tracking.test_strangers import Overtaking

Eventually = Callable[[Callable[[], object]], None]


class Deleted(Runs):
    """Somebody deletes each run as soon as it is made."""

    def create(self, gate: Gate, name: str, spec: RunSpec) -> Run:
        made = super().create(gate, name, spec)
        self._api.delete("chaosruns", made.namespace, made.name, uid=made.uid)
        return made


class Died(Exception):
    """The gate's process is no more."""


class DeletedAndDead(Deleted):
    """And the gate dies before it can write down that the run was there."""

    def create(self, gate: Gate, name: str, spec: RunSpec) -> Run:
        super().create(gate, name, spec)
        raise Died


def honestly(decided_on: RunSpec) -> RunSpec:
    return decided_on


def test_a_run_that_is_deleted_as_soon_as_it_is_made_is_no_pass_and_is_not_made_again(
    cluster: Ground, namespace: str, eventually: Eventually
) -> None:
    shop = Overtaking(cluster, namespace, honestly)
    eventually(lambda: shop.looks(Deleted(cluster.api)).verdict)
    after = shop.looks(Runs(cluster.api))
    assert (after.phase, after.verdict, after.reason) == (Phase.CLOSED, Verdict.CANCELED, Reason.ABORTED)
    assert cluster.api.list("chaosruns", namespace)[0] == []


def test_a_run_of_which_the_gate_died_before_it_knew_is_made_once_more_and_is_the_one_that_counts(
    cluster: Ground, namespace: str, eventually: Eventually
) -> None:
    shop = Overtaking(cluster, namespace, honestly)

    def dies() -> bool:
        try:
            shop.looks(DeletedAndDead(cluster.api))
        except Died:
            return True
        return False

    eventually(dies)
    (entry,) = shop.looks(Runs(cluster.api)).runs
    assert shop.looks(Runs(cluster.api)).runs == (entry,)
    assert [each["metadata"]["uid"] for each in cluster.api.list("chaosruns", namespace)[0]] == [entry.uid]
