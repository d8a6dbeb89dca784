"""Scripts that Hypothesis makes up: a few objects, everything that is done to them, in any order."""

from typing import Any

from hypothesis import strategies as st

from tests.differential.player import JSON_PATCH, STRATEGIC, Ask, Script
from tests.differential.samples import evict, run
from tests.differential.words import (
    BUDGETS,
    CONFIG_MAPS,
    DEFINITIONS,
    DEPLOYMENTS,
    GATES,
    JOBS,
    LEASES,
    PODS,
    RUNS,
    SECRETS,
    SERVICES,
    Collection,
    deployment,
)

NAMES = ("a", "b")
SELECTORS = ("x", "!x", "x=1", "x!=1", "x in (1,2)", "x notin (1)", "x=1,y")
LONG_AGO = "2026-01-01T00:00:00Z"
OURS = "metadata.name!=kube-root-ca.crt"
"""What the scripts made: a real cluster puts its certificate into every namespace."""
LABELS: tuple[Any, ...] = ({}, {"x": "1"}, {"x": "2", "y": ""}, None)
GROUP = "${ns}.example.org"
"""Of the kinds that a script defines: they belong to the whole cluster, so each script has its own."""
FINALIZERS: tuple[Any, ...] = ([], ["x.y/z"], ["x.y/z", "x.y/w"], None)

CONTENTS: dict[Collection, tuple[dict[str, Any], ...]] = {
    CONFIG_MAPS: ({"data": {"k": "v"}}, {"data": {"k": "w", "l": ""}}, {"data": None}, {"immutable": True}, {}),
    LEASES: ({"spec": {"holderIdentity": "me"}}, {"spec": {"leaseDurationSeconds": 0}}, {"spec": {}}, {}),
    DEPLOYMENTS: (
        {"spec": {"minReadySeconds": 1}},
        {"spec": {"revisionHistoryLimit": 0}},
        {"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}},
        {"spec": {"replicas": -1}},
        {},
    ),
    SECRETS: (
        {"data": {"k": "dg=="}},
        {"stringData": {"k": "w", "l": ""}},
        {"data": {"k": "no base64"}},
        {"type": "other"},
        {"immutable": True},
        {},
    ),
    SERVICES: (
        {"spec": {"ports": [{"port": 81}]}},
        {"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}},
        {"spec": {"selector": {"app": "other"}}},
        {"spec": {"publishNotReadyAddresses": True}},
        {"spec": {"sessionAffinity": "Other"}},
        {"spec": {"clusterIPs": ["None"], "internalTrafficPolicy": "Other"}},
        {},
    ),
    JOBS: (
        {"spec": {"parallelism": 2}},
        {"spec": {"completions": 2}},
        {"spec": {"backoffLimit": -1}},
        {"spec": {"ttlSecondsAfterFinished": 5}},
        {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}},
        {},
    ),
    BUDGETS: (
        {"spec": {"minAvailable": "50%"}},
        {"spec": {"minAvailable": -1}},
        {"spec": {"maxUnavailable": 1}},
        {"spec": {"minAvailable": None, "maxUnavailable": 1}},
        {"spec": {"selector": {"matchLabels": {"app": "other"}}}},
        {},
    ),
    GATES: (
        {"status": {"phase": "Open", "judgements": 1}},
        {"status": {"judgements": -1}},
        {"spec": {"workload": {"uid": ""}}},
        {"spec": {"workload": {"kind": "Job"}}},
        {},
    ),
    PODS: (
        {"spec": {"activeDeadlineSeconds": 60}},
        {"spec": {"activeDeadlineSeconds": 0}},
        {"spec": {"terminationGracePeriodSeconds": 1}},
        {"spec": {"nodeSelector": {"a": "b"}}},
        {"spec": {"schedulingGates": [{"name": "wait"}, {"name": "more"}]}},
        {"spec": {"containers": [{"name": "main", "image": "web:2"}]}},
        {},
    ),
    DEFINITIONS: (
        {"spec": {"names": {"categories": ["all", "things"]}}},
        {"spec": {"names": {"categories": ["all"]}}},
        {"spec": {"scope": "Some"}},
        {"spec": {"versions": []}},
        {"spec": {"preserveUnknownFields": True}},
        {},
    ),
    RUNS: ({"spec": {"seed": "2"}}, {"spec": {"seed": ""}}, {"status": {"phase": "Running"}}, {"spec": None}, {}),
}
"""What is changed: parts of an object, for each of the kinds."""


STATUSES: dict[Collection, tuple[Any, ...]] = {
    DEPLOYMENTS: (None, {}, {"replicas": -1}, {"replicas": 1, "readyReplicas": 2}, {"observedGeneration": 7}),
    JOBS: (None, {}, {"active": -1}, {"active": 1, "ready": 2}, {"failed": 1}),
    BUDGETS: ({"disruptionsAllowed": -1}, {"currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}),
    SERVICES: (
        *(None, {}, {"loadBalancer": {"ingress": [{"ip": "x"}]}}, {"loadBalancer": None}),
        {"conditions": [{"type": "x", "status": "True", "reason": "R", "message": "", "lastTransitionTime": LONG_AGO}]},
    ),
    PODS: ({"conditions": [{"type": "x", "status": "Maybe"}]}, {"podIP": "x"}, {"nominatedNodeName": "A_b"}),
    GATES: (None, {}, {"phase": "Open", "judgements": 1}, {"judgements": -1}, {"phase": "Nonsense"}),
    RUNS: (None, {}, {"phase": "Running"}, {"score": 101}, {"started": "now"}),
}
"""What is written to the status of an object, by PATCH or by PUT."""

CUSTOM = (GATES, RUNS)
CONTROLLED = (DEPLOYMENTS, JOBS, BUDGETS, DEFINITIONS)
"""Kinds whose controllers write a status: each script waits for that before it goes on."""


def _whole(kind: Collection, name: str) -> dict[str, Any]:
    """An object that is complete, and at which its controller has nothing to do."""
    if kind is DEPLOYMENTS:
        return deployment(name)
    if kind is JOBS:
        pods = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]}
        return JOBS.object(name, spec={"suspend": True, "template": {"spec": pods}})
    if kind is SERVICES:  # an address would be another one on each ground
        return SERVICES.object(name, spec={"clusterIP": "None", "selector": {"app": name}, "ports": [{"port": 80}]})
    if kind is BUDGETS:
        return BUDGETS.object(name, spec={"minAvailable": 1, "selector": {"matchLabels": {"app": name}}})
    if kind is GATES:
        return GATES.object(name, spec={"workload": {"kind": "Deployment", "name": name, "uid": "u"}})
    if kind is PODS:  # what waits for a gate is run by nobody; the rest of it is what a real cluster would add
        tolerations = [
            {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("not-ready", "unreachable")
        ]
        spec = {
            "containers": [{"name": "main", "image": "web:1"}],
            "schedulingGates": [{"name": "wait"}],
            "automountServiceAccountToken": False,
            "serviceAccountName": "default",
            "tolerations": tolerations,
            "priority": 0,
            "preemptionPolicy": "PreemptLowerPriority",
        }
        return PODS.object(name, spec=spec)
    if kind is DEFINITIONS:
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        names = {"plural": f"{name}s", "singular": name, "kind": name.upper(), "listKind": f"{name.upper()}List"}
        spec = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]}
        return DEFINITIONS.object(_called(kind, name), spec=spec)
    return run(name) if kind is RUNS else kind.object(name)


def _called(kind: Collection, name: str) -> str:
    """What the object is called on the server: a definition is called after what it defines."""
    return f"{name}s.{GROUP}" if kind is DEFINITIONS else name


def _merged(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: _merged(below.get(key), value) for key, value in above.items()}


def _operations(change: dict[str, Any], path: str = "") -> list[dict[str, Any]]:
    """A JSON patch that does what the merge patch does, as far as there is something to add to."""
    made = []
    for key, value in change.items():
        place = f"{path}/{key}"
        if isinstance(value, dict) and path.count("/") < 1:
            made += _operations(value, place)
        elif value is None:
            made.append({"op": "remove", "path": place})
        else:
            made.append({"op": "add", "path": place, "value": value})
    return made


@st.composite
def _metadata(draw: st.DrawFn, kept: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if draw(st.booleans()):
        made["labels"] = draw(st.sampled_from(LABELS))
    if draw(st.integers(0, 3)) == 0:
        made["finalizers"] = draw(st.sampled_from(FINALIZERS))
    match draw(st.sampled_from(("none", "none", "current", "stale", "uid"))):
        case "current":
            made["resourceVersion"] = f"${{{kept}:metadata.resourceVersion}}"
        case "stale":
            made["resourceVersion"] = f"${{{kept}[0]:metadata.resourceVersion}}"
        case "uid":
            made["uid"] = f"${{{kept}:metadata.uid}}"
    return made


def _versioned(metadata: dict[str, Any]) -> dict[str, Any]:
    """What of it a write of a custom resource's status heeds; the rest leaves its trace in the managedFields only."""
    return {key: value for key, value in metadata.items() if key in ("resourceVersion", "uid")}


@st.composite
def _write(draw: st.DrawFn, kind: Collection, name: str) -> Ask:
    kept = f"{kind.plural}/{name}"
    called = _called(kind, name)
    change = _merged(draw(st.sampled_from(CONTENTS[kind])), {"metadata": draw(_metadata(kept))})
    dry = draw(st.integers(0, 5)) == 0
    query = {"dryRun": "All"} if dry else {}
    verb = draw(st.sampled_from(("create", "put", "merge", "json", "strategic", "status")))
    if verb == "create" or (verb == "put" and dry):
        # A dry run that creates by PUT repeats the version that it was sent: a whim of the real server's.
        change["metadata"].pop("resourceVersion", None)
    match verb:
        case "create":
            made = kind.create(_merged(_whole(kind, name), change), **query)
        case "put":
            made = kind.put(_merged(_whole(kind, name), change), called, **query)
        case "json":
            made = kind.patch(_operations(change), called, media=JSON_PATCH, **query)
        case "strategic":
            made = kind.patch(change, called, media=STRATEGIC, **query)
            made = made.roughly() if kind in (RUNS, GATES) else made
        case "status":
            if kind in CUSTOM:
                change["metadata"] = _versioned(change["metadata"])
            made = kind.patch(change, called, "status", **query)
        case _:
            made = kind.patch(change, called, **query)
    if kind is DEFINITIONS:  # when its names are accepted, is a matter of time
        return made.show("kind", "spec", "metadata.labels", "metadata.generation", "reason", "message", "details")
    return made if dry else made.keep(kept)


@st.composite
def _write_status(draw: st.DrawFn, kind: Collection, name: str) -> Ask:
    """Where a controller would write its own status over it, it is only rehearsed."""
    kept = f"{kind.plural}/{name}"
    change = {"status": draw(st.sampled_from(STATUSES[kind])), "metadata": draw(_metadata(kept))}
    if kind in CUSTOM:
        change["metadata"] = _versioned(change["metadata"])
    query = {"dryRun": "All"} if kind in CONTROLLED or draw(st.integers(0, 5)) == 0 else {}
    # To a Service that is not there, the real server begins to make one even for its status, and then complains of it.
    if kind is not SERVICES and draw(st.booleans()):
        made = kind.put(_merged(_whole(kind, name), change), name, "status", **query)
    else:
        made = kind.patch(change, name, "status", **query)
    return made if query else made.keep(kept)


@st.composite
def _evict(draw: st.DrawFn, name: str) -> Ask:
    """Of pods that do not run yet and so have no protection: what else a budget allows is a matter of time."""
    version = f"${{pods/{name}{draw(st.sampled_from(('', '[0]')))}:metadata.resourceVersion}}"
    conditions = ({}, {}, {"preconditions": {"resourceVersion": version}}, {"gracePeriodSeconds": 1})
    query = {"dryRun": "All"} if draw(st.integers(0, 3)) == 0 else {}
    return evict(name, query, deleteOptions=draw(st.sampled_from(conditions)))


@st.composite
def _delete(draw: st.DrawFn, kind: Collection, name: str) -> Ask:
    query = {"dryRun": "All"} if draw(st.integers(0, 5)) == 0 else {}
    if kind is JOBS:  # by default a Job waits for its pods to be let go, which takes how long it takes
        query["propagationPolicy"] = "Background"
    kept, called = f"{kind.plural}/{name}", _called(kind, name)
    # Those that others define are not a script's to delete, nor to list.
    match draw(
        st.sampled_from(("any", "current", "stale") if kind is DEFINITIONS else ("any", "current", "stale", "all"))
    ):
        case "any":
            return kind.delete(called, **query)
        case "all":
            return kind.delete(labelSelector=draw(st.sampled_from(SELECTORS)), fieldSelector=OURS, **query)
        case age:
            version = f"${{{kept}{'[0]' if age == 'stale' else ''}:metadata.resourceVersion}}"
            told = {key: [value] if key == "dryRun" else value for key, value in query.items()}
            return kind.delete(called, options={"preconditions": {"resourceVersion": version}, **told})


@st.composite
def _read(draw: st.DrawFn, kind: Collection, name: str) -> Ask:
    if kind is DEFINITIONS or draw(st.booleans()):
        return kind.get(_called(kind, name)).keep(f"{kind.plural}/{name}")
    # What is hidden by the selector counts as one more page on a real server.
    limit = draw(st.sampled_from(({}, {"limit": "1"}))) if kind is not CONFIG_MAPS else {}
    return kind.get(labelSelector=draw(st.sampled_from(SELECTORS)), fieldSelector=OURS, **limit)


@st.composite
def _ask(draw: st.DrawFn, kinds: list[Collection]) -> tuple[Ask, ...]:
    kind, name = draw(st.sampled_from(kinds)), draw(st.sampled_from(NAMES))
    asks = [_write(kind, name), _write(kind, name), _delete(kind, name), _read(kind, name)]
    asks += [_write_status(kind, name)] if kind in STATUSES else []
    asks += [_evict(name)] if kind is PODS else []
    made = draw(st.one_of(*asks))
    if kind not in CONTROLLED:
        return (made,)
    settled = [kind.get(_called(kind, each)).settle() for each in NAMES]
    if kind is DEFINITIONS:
        settled = [ask.keep(f"{kind.plural}/{each}") for ask, each in zip(settled, NAMES, strict=True)]
    return (made, *settled)


@st.composite
def scripts(draw: st.DrawFn, most: int = 12) -> Script:
    """Requests about one or two kinds, so that the same object is met again and again."""
    kinds = draw(st.lists(st.sampled_from(list(CONTENTS)), min_size=1, max_size=2, unique=True))
    parts = draw(st.lists(_ask(kinds), min_size=2, max_size=most))
    return tuple(ask for part in parts for ask in part)
