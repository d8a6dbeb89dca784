"""Scripts that Hypothesis makes up: a few objects, everything that is done to them, in any order."""

from typing import Any

from hypothesis import strategies as st

from tests.differential.player import JSON_PATCH, STRATEGIC, Ask, Script
from tests.differential.samples import run
from tests.differential.words import (
    BUDGETS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GATES,
    JOBS,
    LEASES,
    RUNS,
    SECRETS,
    SERVICES,
    Collection,
    deployment,
)

NAMES = ("a", "b")
SELECTORS = ("x", "!x", "x=1", "x!=1", "x in (1,2)", "x notin (1)", "x=1,y")
OURS = "metadata.name!=kube-root-ca.crt"
"""What the scripts made: a real cluster puts its certificate into every namespace."""
LABELS: tuple[Any, ...] = ({}, {"x": "1"}, {"x": "2", "y": ""}, None)
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
    RUNS: ({"spec": {"seed": "2"}}, {"spec": {"seed": ""}}, {"status": {"phase": "Running"}}, {"spec": None}, {}),
}
"""What is changed: parts of an object, for each of the kinds."""


CONTROLLED = (DEPLOYMENTS, JOBS, BUDGETS)
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
    return run(name) if kind is RUNS else kind.object(name)


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


@st.composite
def _write(draw: st.DrawFn, kind: Collection, name: str) -> Ask:
    kept = f"{kind.plural}/{name}"
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
            made = kind.put(_merged(_whole(kind, name), change), name, **query)
        case "json":
            made = kind.patch(_operations(change), name, media=JSON_PATCH, **query)
        case "strategic":
            made = kind.patch(change, name, media=STRATEGIC, **query)
            made = made.roughly() if kind in (RUNS, GATES) else made
        case "status":
            made = kind.patch(change, name, "status", **query)
        case _:
            made = kind.patch(change, name, **query)
    return made if dry else made.keep(kept)


@st.composite
def _delete(draw: st.DrawFn, kind: Collection, name: str) -> Ask:
    query = {"dryRun": "All"} if draw(st.integers(0, 5)) == 0 else {}
    if kind is JOBS:  # by default a Job waits for its pods to be let go, which takes how long it takes
        query["propagationPolicy"] = "Background"
    kept = f"{kind.plural}/{name}"
    match draw(st.sampled_from(("any", "current", "stale", "all"))):
        case "any":
            return kind.delete(name, **query)
        case "all":
            return kind.delete(labelSelector=draw(st.sampled_from(SELECTORS)), fieldSelector=OURS, **query)
        case age:
            version = f"${{{kept}{'[0]' if age == 'stale' else ''}:metadata.resourceVersion}}"
            told = {key: [value] if key == "dryRun" else value for key, value in query.items()}
            return kind.delete(name, options={"preconditions": {"resourceVersion": version}, **told})


@st.composite
def _read(draw: st.DrawFn, kind: Collection, name: str) -> Ask:
    if draw(st.booleans()):
        return kind.get(name).keep(f"{kind.plural}/{name}")
    # What is hidden by the selector counts as one more page on a real server.
    limit = draw(st.sampled_from(({}, {"limit": "1"}))) if kind is not CONFIG_MAPS else {}
    return kind.get(labelSelector=draw(st.sampled_from(SELECTORS)), fieldSelector=OURS, **limit)


@st.composite
def _ask(draw: st.DrawFn, kinds: list[Collection]) -> tuple[Ask, ...]:
    kind, name = draw(st.sampled_from(kinds)), draw(st.sampled_from(NAMES))
    made = draw(st.one_of(_write(kind, name), _write(kind, name), _delete(kind, name), _read(kind, name)))
    return (made, *(kind.get(each).settle() for each in NAMES)) if kind in CONTROLLED else (made,)


@st.composite
def scripts(draw: st.DrawFn, most: int = 12) -> Script:
    """Requests about one or two kinds, so that the same object is met again and again."""
    kinds = draw(st.lists(st.sampled_from(list(CONTENTS)), min_size=1, max_size=2, unique=True))
    parts = draw(st.lists(_ask(kinds), min_size=2, max_size=most))
    return tuple(ask for part in parts for ask in part)
