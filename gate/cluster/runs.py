"""`ChaosRun` objects: made with a deterministic name, filled with evidence by an executor, judged by the gate."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gate.cluster.api import Api
from gate.cluster.gates import API_VERSION
from gate.cluster.kinds import KINDS
from gate.cluster.resources import GROUPS
from gate.cluster.said import Json
from gate.codec import Codec
from gate.errors import Conflict, Permanent
from gate.model import Evidence, Gate, Judgement, Reason, Run, RunPhase, RunSpec, RunStatus

ABORT = "chaosgate.dev/abort"
FINALIZER = "chaosgate.dev/revert"
VERDICT_FIELDS = ("verdict", "reason", "message", "score", "compared")

SPEC = Codec(RunSpec)
STATUS = Codec(RunStatus)


def run_from(item: Json) -> Run:
    """Raises `Permanent` when the object cannot be read."""
    metadata = item["metadata"]
    what = f"ChaosRun {metadata['namespace']}/{metadata['name']}"
    abort = (metadata.get("annotations") or {}).get(ABORT)
    return Run(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        spec=SPEC.read(item["spec"], what),
        status=STATUS.read(item.get("status") or {}, what),
        abort=None if abort is None else Reason(abort) if abort in set(Reason) else Reason.ABORTED,
        deleting="deletionTimestamp" in metadata,
        guarded=FINALIZER in (metadata.get("finalizers") or []),
        resource_version=metadata["resourceVersion"],
    )


class Runs:
    """Reads and writes runs."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, namespace: str, name: str) -> Run | None:
        item = self._api.get("chaosruns", namespace, name)
        return run_from(item) if item else None

    def list(self, namespace: str = "") -> tuple[list[Run], list[str]]:
        """All runs of a namespace, or of the cluster, and a sentence for each that cannot be read."""
        runs, unreadable = [], []
        for item in self._api.list("chaosruns", namespace)[0]:
            try:
                runs.append(run_from(item))
            except Permanent as error:
                unreadable.append(str(error))
        return runs, unreadable

    def create(self, gate: Gate, name: str, spec: RunSpec) -> Run:
        """Make the run; creating it twice is creating it once. Where the name is taken it returns what has it, whoever
        made that.
        """
        owner = {"apiVersion": API_VERSION, "kind": "ChaosGate", "name": gate.name, "uid": gate.uid}
        try:
            return run_from(self._api.create("chaosruns", gate.namespace, _body(gate.namespace, name, spec, owner)))
        except Conflict:
            existing = self.get(gate.namespace, name)
            if existing is None:
                raise
            return existing

    def create_by_hand(self, name: str, spec: RunSpec) -> Run:
        """Make a run that no gate waits for. It goes with its workload."""
        workload = spec.workload.name
        group = GROUPS[KINDS[workload.kind].RESOURCE].removeprefix("/apis/")
        owner = {"apiVersion": group, "kind": str(workload.kind), "name": workload.name, "uid": spec.workload.uid}
        body = _body(workload.namespace, name, spec, owner)
        return run_from(self._api.create("chaosruns", workload.namespace, body))

    def abort(self, run: Run, reason: Reason) -> None:
        """Ask for the run to stop; whoever executes it takes back what it did and ends it. Raises `Permanent` if it is
        gone, or another one has its name.
        """
        metadata = {"uid": run.uid, "annotations": {ABORT: str(reason)}}
        self._api.patch("chaosruns", run.namespace, run.name, {"metadata": metadata})

    def save_verdict(self, run: Run, judgement: Judgement, score: int | None) -> Run:
        """Write what the gate concluded from the run's evidence. Raises `Conflict` if it was written since it was read.

        What was concluded from other evidence than there is now is no verdict.
        """
        verdict: dict[str, Any] = {
            "phase": str(RunPhase.JUDGED),
            "verdict": str(judgement.verdict),
            "reason": judgement.reason and str(judgement.reason),
            "message": judgement.message,
            "score": score,
            "compared": judgement.compared and str(judgement.compared),
        }
        body = {"metadata": {"uid": run.uid, "resourceVersion": run.resource_version}, "status": verdict}
        return run_from(self._api.patch("chaosruns", run.namespace, run.name, body, subresource="status"))

    def save_status(self, run: Run, status: RunStatus, *, unchanged: bool = False) -> None:
        """The executor's write: everything but the verdict. Raises `Permanent` if the run is gone, `Conflict` if it is
        another one of the same name, or, where it must be `unchanged`, was written since it was read.
        """
        written = {key: value for key, value in STATUS.write(status).items() if key not in VERDICT_FIELDS}
        metadata = {"uid": run.uid, **({"resourceVersion": run.resource_version} if unchanged else {})}
        body = {"metadata": metadata, "status": written}
        self._api.patch("chaosruns", run.namespace, run.name, body, subresource="status")

    def save_activity(self, run: Run, activity: str) -> None:
        """What a run does that nobody executes yet. Raises `Conflict` if it was written since it was read."""
        body = {"metadata": {"uid": run.uid, "resourceVersion": run.resource_version}, "status": {"activity": activity}}
        self._api.patch("chaosruns", run.namespace, run.name, body, subresource="status")

    def guard(self, run: Run, *, guarded: bool) -> None:
        """Put the finalizer on, or take it off; other people's finalizers stay."""
        item = self._api.get("chaosruns", run.namespace, run.name)
        if item is None or item["metadata"]["uid"] != run.uid:
            raise Permanent(f"ChaosRun {run.namespace}/{run.name} is gone")
        present: Sequence[str] = item["metadata"].get("finalizers") or []
        if (FINALIZER in present) != guarded:
            wanted = [name for name in present if name != FINALIZER] + ([FINALIZER] if guarded else [])
            metadata = {"finalizers": wanted, "resourceVersion": item["metadata"]["resourceVersion"]}
            self._api.patch("chaosruns", run.namespace, run.name, {"metadata": metadata})


def _body(namespace: str, name: str, spec: RunSpec, owner: Json) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": "ChaosRun",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"chaosgate.dev/version": spec.version},
            "ownerReferences": [owner],
        },
        "spec": SPEC.write_new(spec),
    }


class RunJournal:
    """The record of one run while it is executed: the finalizer goes on before what it guards is written, off after."""

    def __init__(self, runs: Runs, run: Run) -> None:
        self._runs, self._run, self._guarded, self._begun = runs, run, run.guarded, run.begun

    def save(self, status: RunStatus, *, guarded: bool) -> None:
        if not self._begun:
            self._begin(replace(status, evidence=Evidence()))  # what needs a guard comes after the guard
        if guarded and not self._guarded:
            self._runs.guard(self._run, guarded=True)
        self._runs.save_status(self._run, status)
        if self._guarded and not guarded:
            self._runs.guard(self._run, guarded=False)
        self._guarded = guarded

    def _begin(self, status: RunStatus) -> None:
        """The tracker ends runs that nobody has begun. Of the two, whoever writes first is right."""
        try:
            self._runs.save_status(self._run, status, unchanged=True)
        except Conflict as error:
            raise Permanent(f"the run {self._run.name} changed before it was begun") from error
        self._begun = True
