"""`ChaosGate` objects: the standing answers, kept beside their workloads."""

import logging
from collections.abc import Mapping, Sequence

from gate.cluster.api import Api
from gate.cluster.said import Json
from gate.codec import Codec
from gate.errors import Conflict, Permanent
from gate.model import Gate, GateOverride, GateStatus, Promoted, Workload, WorkloadKind, WorkloadName, fingerprint

log = logging.getLogger(__name__)

API_VERSION = "chaosgate.dev/v1alpha1"
OWNER_API = dict.fromkeys(WorkloadKind, "apps/v1") | {WorkloadKind.ROLLOUT: "argoproj.io/v1alpha1"}
LONGEST_NAME = 253

STATUS, OVERRIDE, PROMOTED = Codec(GateStatus), Codec(GateOverride), Codec(Promoted)

MOST_OVERRIDES = 20
"""How many a gate keeps; the oldest go."""


def gate_name(workload: WorkloadName) -> str:
    """`deployment-checkout`: a Deployment and a StatefulSet of one name must not share a gate."""
    name = f"{workload.kind.lower()}-{workload.name}"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 11]}-{fingerprint(name)}"


def gate_from(item: Json) -> Gate:
    """Raises `Permanent` when the object cannot be read."""
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    gitlab = status.get("gitlab") or {}
    what = f"ChaosGate {metadata['namespace']}/{metadata['name']}"
    named = spec["workload"]
    name = WorkloadName(kind=WorkloadKind(named["kind"]), namespace=metadata["namespace"], name=named["name"])
    return Gate(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        workload=Workload(name=name, uid=named["uid"]),
        status=STATUS.read(status, what),
        resource_version=metadata["resourceVersion"],
        overrides=tuple(OVERRIDE.read(each, what) for each in spec.get("overrides") or ()),
        accepted=gitlab.get("accepted") or {},
        reported=gitlab.get("problem") or "",
        promoted={key: PROMOTED.read(each, what) for key, each in (gitlab.get("promoted") or {}).items()},
    )


def _changes(before: GateStatus, after: GateStatus) -> Json:
    """What a merge patch has to say; everything to a gate that says nothing yet, whose defaults people want to see."""
    written = STATUS.write(after)
    known = {} if before == GateStatus() else STATUS.write(before)
    return {name: value for name, value in written.items() if name not in known or value != known[name]}


class Gates:
    """Reads and writes gates. The tracker owns the status but for `status.gitlab`, which is the reporter's."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, name: WorkloadName) -> Gate | None:
        item = self._api.get("chaosgates", name.namespace, gate_name(name))
        return gate_from(item) if item else None

    def all(self, namespace: str = "") -> Sequence[Gate]:
        """As they are now, in all namespaces if none is named. Raises `Permanent` when one of them cannot be read."""
        items, _ = self._api.list("chaosgates", namespace)
        return [gate_from(item) for item in items]

    def readable(self, namespace: str = "") -> Sequence[Gate]:
        """The same without those that cannot be read: who asks for them finds none."""
        items, _ = self._api.list("chaosgates", namespace)
        found = []
        for item in items:
            try:
                found.append(gate_from(item))
            except Permanent as error:
                log.error("object.unreadable why=%r", str(error))  # noqa: TRY400 - the sentence says it all
        return found

    def create(self, workload: Workload) -> Gate:
        """The gate of a workload that has none; one that somebody made for it meanwhile is as good.

        Raises `Conflict` while the gate of a workload that had its name before is in the way: that one answers for the
        runs of another workload, and is on its way out.
        """
        name = workload.name
        owner = {"apiVersion": OWNER_API[name.kind], "kind": str(name.kind), "name": name.name, "uid": workload.uid}
        body: Json = {
            "apiVersion": API_VERSION,
            "kind": "ChaosGate",
            "metadata": {"name": gate_name(name), "namespace": name.namespace, "ownerReferences": [owner]},
            "spec": {"workload": {"kind": str(name.kind), "name": name.name, "uid": workload.uid}},
        }
        try:
            return gate_from(self._api.create("chaosgates", name.namespace, body))
        except Conflict:
            existing = self.get(name)
            if existing is None:
                raise
            if existing.workload != workload:
                gate, uid = f"ChaosGate {existing.namespace}/{existing.name}", existing.workload.uid
                remedy = f"{workload.uid} gets one when that is gone; should it stay, see its finalizers"
                raise Conflict(f"{gate} answers for {name} {uid}, which is not there any more; {remedy}") from None
            return existing

    def delete(self, gate: Gate) -> None:
        """For a gate whose workload is gone, or was made anew: it must not answer for the one that came after it."""
        self._api.delete("chaosgates", gate.namespace, gate.name, uid=gate.uid)

    def save(self, gate: Gate, status: GateStatus) -> Gate:
        """Write the status; raises `Conflict` if the gate was written since it was read."""
        body = {"metadata": {"resourceVersion": gate.resource_version}, "status": _changes(gate.status, status)}
        return gate_from(self._api.patch("chaosgates", gate.namespace, gate.name, body, subresource="status"))

    def override(self, gate: Gate, override: GateOverride) -> None:
        """Write down what a person has said. It stands in the specification, which the gate has no right to write.

        Raises `Conflict` if the gate was written since it was read, and `Denied` if that person may not.
        """
        said = [OVERRIDE.write(each) for each in (*gate.overrides, override)[-MOST_OVERRIDES:]]
        body = {"metadata": {"resourceVersion": gate.resource_version}, "spec": {"overrides": said}}
        self._api.patch("chaosgates", gate.namespace, gate.name, body)

    def save_accepted(self, gate: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        """What GitLab accepted, per announcement (None forgets one), and why it did not accept the rest.

        Raises `Conflict` if the gate was written since it was read.
        """
        status = {"gitlab": {"accepted": dict(accepted), "problem": problem}}
        body = {"metadata": {"resourceVersion": gate.resource_version}, "status": status}
        self._api.patch("chaosgates", gate.namespace, gate.name, body, subresource="status")

    def save_promoted(self, gate: Gate, promoted: Mapping[str, Promoted | None]) -> Gate:
        """What became of promotions, by their keys (None forgets one).

        Raises `Conflict` if the gate was written since it was read: what is noted before it is done must not be noted
        by somebody who does not know what was noted last.
        """
        written = {key: each and PROMOTED.write(each) for key, each in promoted.items()}
        body = {
            "metadata": {"resourceVersion": gate.resource_version},
            "status": {"gitlab": {"promoted": written}},
        }
        return gate_from(self._api.patch("chaosgates", gate.namespace, gate.name, body, subresource="status"))
