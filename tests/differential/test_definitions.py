"""The product's own kinds: validation, defaults, pruning, status; and definitions themselves."""

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.samples import PROBE, STEP, WORKFLOW, WORKLOAD, run
from tests.differential.words import DEFINITIONS, GATES, RUNS, Collection

pytestmark = pytest.mark.cluster


def refused(**spec: object) -> Ask:
    return RUNS.create(run(**spec))


def of_workflow(**fields: object) -> Ask:
    return refused(workflow={**WORKFLOW, **fields})


def status(**fields: object) -> Ask:
    return RUNS.patch({"status": fields}, "r", "status")


SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "a life": (
        RUNS.create({**run(), "status": {"phase": "Running"}}).keep("r"),
        RUNS.patch({"spec": {"seed": "2"}, "status": {"phase": "Running"}}, "r"),
        status(phase="Running", attempt=1),
        RUNS.patch({"spec": {"seed": "3"}, "metadata": {"labels": {"a": "b"}}, "status": {"score": 7}}, "r", "status"),
        RUNS.patch({"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}}, "r"),
        RUNS.get("r", "status"),
        RUNS.put({**run(), "metadata": {"name": "r", "resourceVersion": "${r:metadata.resourceVersion}"}}, "r"),
        RUNS.put(run(), "r"),
        RUNS.put(run(), "r", "status"),
        RUNS.put(run(), "nobody"),
        RUNS.patch({"status": None}, "r", "status"),
        RUNS.get("r", "scale"),
        RUNS.get("nobody", "scale"),
        RUNS.get("r", "nothing"),
        RUNS.put({}, "r", "scale"),
        RUNS.delete("r"),
        RUNS.get("r", "status"),
    ),
    "specs that cannot be": (
        RUNS.create(RUNS.object("r")),
        RUNS.create(RUNS.object("r", spec={})),
        RUNS.create(RUNS.object("r", spec=None)),
        RUNS.create(RUNS.object("r", spec=[])),
        refused(version="short"),
        refused(version="0123456789a"),
        refused(version=5),
        refused(seed=""),
        refused(seed=None),
        refused(deadline="tomorrow"),
        refused(deadline="2030-01-01"),
        refused(deadline="2030-01-01T00:00:00"),
        refused(deadline="2030-01-01t00:00:00z"),
        refused(workload={**WORKLOAD, "uid": ""}),
        refused(workload={"name": {"kind": "Job", "namespace": "", "name": "x"}, "uid": "u"}),
        refused(workload={}),
        refused(images="x"),
        refused(images=[{"container": "c"}]),
        refused(images=[{"container": "c", "digest": 5}, "x"]),
        refused(subscriptions=["a", 5]),
        of_workflow(baseline=-1),
        of_workflow(baseline="1"),
        of_workflow(steadyState=[]),
        of_workflow(steps=[]),
        of_workflow(steps=None),
        of_workflow(steadyState=[{**PROBE, "every": 0}]),
        of_workflow(steadyState=[{**PROBE, "tolerate": {"failures": 1.5, "streak": -1}}]),
        of_workflow(steadyState=[{**PROBE, "settings": "x"}, {}]),
        of_workflow(steps=[{**STEP, "hold": -1, "recover": "15"}]),
        of_workflow(load=[{"name": "x"}]),
    ),
    "what is pruned and kept": (
        RUNS.create(
            run(
                strange=1,
                workflow={**WORKFLOW, "odd": 1, "steps": [{**STEP, "settings": {"any": [{"deep": None}]}, "more": {}}]},
            )
        ),
        RUNS.get("r"),
        RUNS.patch(
            {"spec": {"workflow": {"load": [{"name": "l", "kind": "http", "settings": {"a": {"b": None}}, "x": 1}]}}},
            "r",
        ),
        RUNS.patch({"spec": {"subscriptions": None}}, "r"),
        RUNS.patch({"spec": {"subscriptions": []}}, "r"),
        RUNS.patch({"metadata": {"labels": {}, "annotations": {}}}, "r"),
    ),
    "statuses that cannot be": (
        RUNS.create(run()),
        status(phase="Sleeping"),
        status(score=101),
        status(score=-1),
        status(score=1.5),
        status(score=50.0),
        status(attempt=-1),
        status(reason="lower"),
        status(reason=""),
        status(verdict=None),
        status(started="now"),
        status(started="2030-01-01T00:00:00.123456Z", strange=1),
        status(timeline=[{"at": "2030-01-01T00:00:00Z"}]),
        status(timeline="x"),
        status(evidence={"summaries": [{"probe": "p", "window": "never"}]}),
        status(evidence={"undo": [{"id": "1", "step": "s", "fault": "f", "target": {}, "settings": {"x": 1}}]}),
        RUNS.patch({"status": {"phase": "Sleeping"}}, "r"),
        RUNS.get("r"),
    ),
    "gates": (
        GATES.create(GATES.object("g")),
        GATES.create(GATES.object("g", spec={})),
        GATES.get("g"),
        GATES.patch({"status": {"phase": "Nonsense"}}, "g", "status"),
        GATES.patch({"status": {"phase": "Open"}}, "g", "status"),
        GATES.delete("g"),
    ),
    "metadata": (
        RUNS.create({**run(), "metadata": {"name": "r", "finalizers": ["bare"]}}),
        RUNS.patch({"metadata": {"uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}}, "r"),
        RUNS.patch({"metadata": {"labels": {"bad key": "x"}}}, "r"),
        RUNS.patch({"metadata": {"generation": 9}}, "r"),
        RUNS.patch({"metadata": {"finalizers": ["chaosgate.dev/revert"]}}, "r"),
        RUNS.delete("r"),
        RUNS.patch({"metadata": {"finalizers": ["chaosgate.dev/revert", "a.b/c"]}}, "r"),
        RUNS.patch({"spec": {"seed": "late"}}, "r"),
        RUNS.delete("r"),
        RUNS.patch({"metadata": {"finalizers": []}}, "r"),
        RUNS.get("r"),
    ),
    "definitions that cannot be": (
        DEFINITIONS.create(DEFINITIONS.object("x")).show("reason", "details.kind"),
        DEFINITIONS.create(
            DEFINITIONS.object(
                "things.example.org",
                spec={
                    "group": "example.org",
                    "scope": "Some",
                    "names": {"plural": "things", "kind": "Thing"},
                    "versions": [],
                },
            )
        ).roughly(),
    ),
}

WIDGETS = Collection("differ.example/v1", "widgets", "Widget")
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "default": {},
            "properties": {
                "size": {"type": "integer", "default": 3, "maximum": 10, "exclusiveMaximum": True},
                "name": {"type": "string", "maxLength": 5, "nullable": True},
                "port": {"x-kubernetes-int-or-string": True},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "maxItems": 3, "items": {"type": "string"}},
                "rows": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["id"],
                    "items": {
                        "type": "object",
                        "required": ["id"],
                        "properties": {"id": {"type": "string"}, "on": {"type": "boolean", "default": True}},
                    },
                },
                "map": {
                    "type": "object",
                    "maxProperties": 2,
                    "additionalProperties": {"type": "integer", "minimum": 1},
                },
                "step": {"type": "number", "multipleOf": 0.5},
                "choice": {
                    "type": "object",
                    "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                },
            },
        },
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}}},
    },
}
DEFINITION = DEFINITIONS.object(
    "widgets.differ.example",
    spec={
        "group": "differ.example",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wid"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": SCHEMA},
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.size",
                        "statusReplicasPath": ".status.replicas",
                        "labelSelectorPath": ".status.selector",
                    },
                },
            }
        ],
    },
)


def widget(name: str = "w", /, **spec: object) -> Ask:
    return WIDGETS.create(WIDGETS.object(name, spec=spec))


SCRIPTS["another definition"] = (
    DEFINITIONS.create(DEFINITION).show("code"),
    DEFINITIONS.get("widgets.differ.example")
    .until(status__conditions__1__status="True")
    .show("spec", "status.acceptedNames", "status.storedVersions"),
    WIDGETS.get().until(code=200),
    WIDGETS.create(WIDGETS.object("bare")).until(code=201),
    widget(size=10),
    widget(size="3").roughly(),
    widget(name="toolong"),
    widget(name=None),
    widget("p", port="http"),
    widget("q", port=80),
    widget("q", port=True),
    widget("t", tags=["a", "b", "a"]),
    widget("t", tags=["a", "b", "c", "d"]),
    widget("t", rows=[{"id": "1"}, {"id": "1"}]),
    widget("t", rows=[{"id": "1"}, {"id": "2", "on": False}, {"id": "3", "on": None}]),
    widget("m", map={"a": 0}),
    widget("m", map={"a": 1, "b": 2, "c": 3}),
    widget("m", map={"a": "x"}),
    widget("s", step=0.7),
    widget("s", step=1.5),
    widget("c", choice={}).show("reason", "details.kind"),
    widget("c", choice={"a": "1", "b": "2"}).show("reason", "details.kind"),
    widget("c", choice={"a": "1"}),
    WIDGETS.get("bare", "scale"),
    WIDGETS.patch({"spec": {"replicas": 5}}, "bare", "scale"),
    WIDGETS.patch({"spec": {"replicas": -1}}, "bare", "scale").show("reason", "details.kind"),
    WIDGETS.patch({"spec": {"replicas": 99}}, "bare", "scale").roughly(),
    WIDGETS.patch({"status": {"replicas": 2, "selector": "a=b"}}, "bare", "status"),
    WIDGETS.get("bare", "scale"),
    DEFINITIONS.delete("widgets.differ.example").show("kind", "metadata.name"),
    WIDGETS.get().until(code=404).show("code"),
    DEFINITIONS.get("widgets.differ.example").until(code=404).show("code"),
)

GROUP = "${ns}.example.org"
NAMED = ("status.acceptedNames", "status.conditions")


def called(plural: str, *short: str) -> Ask:
    """A definition in the script's own group that asks for these names."""
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": plural, "kind": plural.upper(), "shortNames": list(short)}
    spec = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]}
    return DEFINITIONS.create(DEFINITIONS.object(f"{plural}.{GROUP}", spec=spec)).show("code")


def names(plural: str, **names: object) -> Ask:
    return DEFINITIONS.patch({"spec": {"names": names}}, f"{plural}.{GROUP}").show("code", "spec.names")


def told(plural: str, accepted: str, established: str) -> Ask:
    """Once the reasons of its conditions are these."""
    reasons = {"status__conditions__0__reason": accepted, "status__conditions__1__reason": established}
    return DEFINITIONS.get(f"{plural}.{GROUP}").until(**reasons).show(*NAMED)


TWOS = Collection(f"{GROUP}/v1", "twos", "TWOS")
SCRIPTS["two that want one name"] = (
    called("ones", "x", "y"),
    told("ones", "NoConflicts", "InitialNamesAccepted"),
    called("twos", "y", "z", "x"),
    told("twos", "ShortNamesConflict", "NotAccepted"),
    TWOS.get().show("code"),
    names("ones", shortNames=["x"]),
    DEFINITIONS.get(f"ones.{GROUP}").until(status__acceptedNames__shortNames=["x"]).show(*NAMED),
    names("twos", shortNames=["y"]),
    told("twos", "NoConflicts", "InitialNamesAccepted"),
    TWOS.get().until(code=200).show("code"),
    names("twos", shortNames=["x", "y"], categories=["all"]),
    told("twos", "ShortNamesConflict", "InitialNamesAccepted"),
    TWOS.get().show("code"),
    DEFINITIONS.delete(f"ones.{GROUP}").show("code"),
    told("twos", "NoConflicts", "InitialNamesAccepted"),
    DEFINITIONS.delete(f"twos.{GROUP}").show("code"),
)

# A name that is refused and then taken back is the definition's own again, and is said to be.
SCRIPTS["names that are taken back"] = (
    called("ones", "x"),
    told("ones", "NoConflicts", "InitialNamesAccepted"),
    names("ones", singular="one", listKind="OneList", shortNames=["y", "z"], categories=["all"]),
    DEFINITIONS.get(f"ones.{GROUP}").until(status__acceptedNames__singular="one").show(*NAMED),
    called("twos", "y"),
    told("twos", "ShortNamesConflict", "NotAccepted"),
    names("twos", shortNames=["w"]),
    told("twos", "NoConflicts", "InitialNamesAccepted"),
    names("twos", shortNames=["w", "z"]),
    DEFINITIONS.get(f"twos.{GROUP}").until(status__conditions__0__reason="ShortNamesConflict").show(*NAMED),
    names("twos", shortNames=["w"]),
    DEFINITIONS.get(f"twos.{GROUP}").show("spec.names", "status.acceptedNames", "status.conditions.1"),
    names("twos", shortNames=None),
    DEFINITIONS.get(f"twos.{GROUP}").until(status__acceptedNames__shortNames=None).show(*NAMED),
    DEFINITIONS.delete(f"ones.{GROUP}").show("code"),
    DEFINITIONS.delete(f"twos.{GROUP}").show("code"),
)


SCRIPTS["a definition that somebody holds"] = (
    DEFINITIONS.create(
        DEFINITIONS.object(
            f"ones.{GROUP}",
            metadata={"finalizers": ["x.y/z"]},
            spec={
                "group": GROUP,
                "scope": "Namespaced",
                "names": {"plural": "ones", "kind": "One"},
                "versions": [
                    {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
                ],
            },
        )
    ).show("code"),
    DEFINITIONS.get(f"ones.{GROUP}").settle().show("code"),
    DEFINITIONS.delete(f"ones.{GROUP}").show("code"),
    DEFINITIONS.get(f"ones.{GROUP}").settle(),
    DEFINITIONS.delete(f"ones.{GROUP}").show("code"),
    DEFINITIONS.get(f"ones.{GROUP}").settle().show("metadata.finalizers", "status.conditions"),
    DEFINITIONS.patch({"metadata": {"finalizers": None}}, f"ones.{GROUP}").show("code", "metadata.generation"),
    DEFINITIONS.get(f"ones.{GROUP}").until(code=404).show("code"),
)


def changed(change: object) -> Ask:
    return DEFINITIONS.patch({"spec": change}, f"ones.{GROUP}").show(
        "spec", "status.storedVersions", "message", "details"
    )


def version(name: str = "v1", **fields: object) -> dict[str, object]:
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {"name": name, "served": True, "storage": True, "schema": schema, **fields}


LONG = "a" * 64
SCRIPTS["a definition that is changed to what it cannot be"] = (
    called("ones"),
    told("ones", "NoConflicts", "InitialNamesAccepted"),
    changed({"names": None}),
    *(changed({"names": {field: None}}) for field in ("plural", "singular", "kind", "listKind")),
    *(changed({"names": {field: ""}}) for field in ("plural", "singular", "kind", "listKind")),
    *(changed({"names": {field: "Bad name"}}) for field in ("plural", "singular", "kind", "listKind")),
    *(changed({"names": {field: LONG}}) for field in ("singular", "listKind")),
    *(changed({"names": {field: ["good", "Bad"]}}) for field in ("shortNames", "categories")),
    changed({"names": {"kind": "Other"}}),
    changed({"names": {"listKind": "ONES"}}),
    changed({"scope": None}),
    changed({"scope": "Cluster"}),
    changed({"group": None}),
    changed({"group": "else.example.org"}),
    changed({"versions": None}),
    changed({"versions": []}),
    changed({"versions": [version("V 1")]}),
    changed({"versions": [version("v2")]}),
    changed({"versions": [version(), version()]}),
    changed({"versions": [version(storage=False)]}),
    changed({"versions": [version(schema=None)]}),
    changed({"versions": [version(storage=False), version("v2")]}),
    changed({"versions": [version("v2")]}),
    *(
        DEFINITIONS.patch({"status": {"storedVersions": stored}}, f"ones.{GROUP}", "status").show(
            "status.storedVersions", "message"
        )
        for stored in (["v2", "v0"], ["v2"])
    ),
    changed({"versions": [version("v2")]}),
    changed({"names": {"singular": "single", "listKind": "Several"}}),
    DEFINITIONS.patch({"spec": None}, f"ones.{GROUP}").show("code", "details"),
    DEFINITIONS.delete(f"ones.{GROUP}").show("code"),
)


def made(name: str = "ones", /, metadata: object = None, **spec: object) -> Ask:
    whole = {"group": GROUP, "scope": "Namespaced", "names": {"plural": "ones", "kind": "One"}, "versions": [version()]}
    fields = {"metadata": metadata} if metadata else {}
    body = DEFINITIONS.object(f"{name}.{spec.get('group') or GROUP}", spec={**whole, **spec}, **fields)
    return DEFINITIONS.create(body, dryRun="All").show("kind", "message", "details")


APPROVED = "api-approved.kubernetes.io"
SCRIPTS["definitions that are not what they have to be"] = (
    made(names={"plural": "ones"}),
    made(names={"kind": "One"}),
    made(names={"plural": "ones", "kind": "One", "listKind": "One"}),
    made("Ones", names={"plural": "Ones", "kind": "1"}),
    made("twos"),
    made(group="org"),
    made(group="Not.A.Group"),
    made(group=""),
    made(scope=""),
    made(versions=None),
    made(versions=[version(name="")]),
    *(
        made(group="ones.k8s.io", metadata={"annotations": {APPROVED: said}})
        for said in ("", "unapproved, only tried", "https://github.com/kubernetes/kubernetes/pull/1", "yes", "/path")
    ),
    made(group="ones.kubernetes.io"),
    made(group="k8s.io.example.org"),
)


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_definitions(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
