"""What one room asks for, made of what another room has."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gate.cluster.api import Api
from gate.cluster.events import Events, Told
from gate.cluster.gates import API_VERSION, Gates
from gate.cluster.leases import Leases
from gate.cluster.runs import RunJournal, Runs
from gate.errors import Permanent
from gate.model import Gate, Promoted, Reason, Run, RunStatus
from gate.running.executor import Insist
from gate.running.job_executor import Heard
from gate.running.outstanding import in_words, outstanding
from gate.running.turns import namespaces, under_way
from gate.tracking.judgements import asks_for
from gate.wire.copies import Copies


def read_run(api: Api, namespace: str, name: str) -> Run | None:
    """As it is now. One that its gate does not wait for, because it was made too late, has only to be ended; so has one
    that was made by hand and reaches beyond its namespace, for the right to make runs is one of namespaces.
    """
    found = Runs(api).get(namespace, name)
    if found is None:
        return None
    if found.spec.asked_by:
        return found if namespaces(found) == {namespace} else replace(found, abort=found.abort or Reason.POLICY_DENIED)
    if found.executed or asks_for(Gates(api).get(found.spec.workload.name), found):
        return found
    return replace(found, abort=found.abort or Reason.SUPERSEDED)


class RunStore:
    """The copied runs, with the journal of each."""

    def __init__(self, copies: Copies, api: Api) -> None:
        self._copies, self._api = copies, api

    def all(self) -> Sequence[Run]:
        return self._copies.runs()

    def latest(self, run: Run) -> Run | None:
        found = self._copies.run((run.namespace, run.name))
        return found if found is not None and found.uid == run.uid else None

    def read(self, run: Run) -> Run | None:
        return read_run(self._api, run.namespace, run.name)

    def around(self, run: Run, *, everywhere: bool) -> Sequence[Run]:
        """Runs of other gates that have not begun wait for their own turn, and nobody waits for them."""
        ours = {each.uid for each in self._copies.runs()} | {run.uid}
        return [
            each for each in surrounding(self._api, run, everywhere=everywhere) if each.uid in ours or under_way(each)
        ]

    def show(self, run: Run, activity: str) -> None:
        Runs(self._api).save_activity(run, activity)

    def journal(self, run: Run, insist: Insist) -> RunJournal:
        return RunJournal(Runs(self._api.fenced(insist)), run)


def surrounding(api: Api, run: Run, *, everywhere: bool) -> list[Run]:
    """The runs of all namespaces that the run touches, or of the whole cluster. What cannot be read keeps others out.

    Raises `GateError`.
    """
    found, unreadable = [], []
    for place in [""] if everywhere else sorted(namespaces(run)):
        runs, broken = Runs(api).list(place)
        found += runs
        unreadable += broken
    if unreadable:
        raise Permanent("; ".join(unreadable))
    return found


class RunLeases:
    """The lease of a run has its name, and goes with it."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def hold(self, run: Run, now: datetime) -> bool:
        owner = {"apiVersion": API_VERSION, "kind": "ChaosRun", "name": run.name, "uid": run.uid}
        return self._leases.hold(run.namespace, run.name, now, owner)

    def watch(self, run: Run) -> bool:
        return self._leases.watch(run.namespace, run.name)

    def heard(self, run: Run) -> Heard:
        return self._leases.heard(run.namespace, run.name)

    def release(self, run: Run) -> None:
        self._leases.release(run.namespace, run.name)


class RevertNews:
    """Says by an event of the run when something could not be taken back, and when it was after all."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def __call__(self, before: Run, after: RunStatus) -> None:
        if left := in_words(replace(before, status=after)):
            self._events.tell(before, Told.REVERT_FAILED, left)
        elif outstanding(before.status):
            self._events.tell(before, Told.REVERTED, "everything that could not be taken back before is taken back now")


class GateStore:
    """The copied gates, with the reporter's part of their status."""

    def __init__(self, copies: Copies, gates: Gates) -> None:
        self._copies, self._gates = copies, gates

    def latest(self, namespace: str, name: str) -> Gate | None:
        return self._copies.gate((namespace, name))

    def save_accepted(self, gate: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        self._gates.save_accepted(gate, accepted, problem)

    def save_promoted(self, gate: Gate, promoted: Mapping[str, Promoted | None]) -> Gate:
        return self._gates.save_promoted(gate, promoted)
