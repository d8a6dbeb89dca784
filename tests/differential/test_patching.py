"""The three patches, and what is no patch: both grounds say the same."""

from collections.abc import Iterator

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import JSON_PATCH, MERGE, STRATEGIC, Ask
from tests.differential.samples import run
from tests.differential.words import CONFIG_MAPS, DEPLOYMENTS, RUNS, SERVICES, Collection, config_map, deployment

pytestmark = pytest.mark.cluster

ONE = config_map(data={"k": "v", "l": "w"}, metadata={"labels": {"x": "1"}})
SERVICE = SERVICES.object("s", spec={"ports": [{"name": "web", "port": 80}, {"name": "admin", "port": 81}]})
CONTAINERS = {
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    },
                    {"name": "side", "image": "web:2"},
                ]
            }
        }
    }
}
WHOLES = [
    *([{"op": "replace", "path": "", "value": value}] for value in ([], None, "x", 5, True, {})),
    [{"op": "remove", "path": ""}],
]
SHOWN = ("kind", "apiVersion", "metadata.name", "spec", "code", "reason", "message", "details")
"""Not the version: when the controller of the real one writes its second status is a matter of chance."""
ANOTHER_UID = {"metadata": {"name": "web", "uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}}
OTHERS: tuple[dict[str, object], ...] = (
    {},
    {"kind": "Other"},
    {"apiVersion": "v2"},
    {"metadata": None},
    {"metadata": {"name": "other"}},
    {"metadata": {"name": None}},
    {"metadata": {"name": "web", "namespace": "other"}},
    ANOTHER_UID,
    {"metadata": {"name": "web", "resourceVersion": "1"}},
    {"spec": {"replicas": 2**31}},
    {"spec": {"replicas": 1.5}},
    {"spec": None},
)
SETTLED = DEPLOYMENTS.get("web").until(status__observedGeneration=1).show("metadata.generation")


def template(**spec: object) -> dict[str, object]:
    return {"spec": {"template": {"spec": spec}}}


def operations(*rows: dict[str, object]) -> Ask:
    return CONFIG_MAPS.patch(list(rows), "a", media=JSON_PATCH)


def strategic(body: object) -> Ask:
    """What a strategic merge patch of the Deployment would make, as far as it is written."""
    return DEPLOYMENTS.patch(body, "web", media=STRATEGIC, dryRun="All").show("message", "reason", "details", "spec")


def claiming(kind: Collection, name: str, *below: str) -> Iterator[Ask]:
    """Patches that say what they are of."""
    for said in ({"kind": "Other"}, {"kind": "Pod"}, {"kind": ""}, {"kind": None}, {"apiVersion": "v9"}):
        for media in (STRATEGIC, MERGE):
            yield kind.patch(said, name, *below, media=media).show("code", "kind", "message", "details")
    yield kind.patch({"kind": "Other", "metadata": {"name": "other"}}, name, *below, media=STRATEGIC)


SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "merge": (
        CONFIG_MAPS.patch({"data": {"k": "v"}}, "a"),
        CONFIG_MAPS.create(ONE),
        CONFIG_MAPS.patch({"data": {"k": "2"}}, "a"),
        CONFIG_MAPS.patch({"data": {"k": None}}, "a"),
        CONFIG_MAPS.patch({"data": None}, "a"),
        CONFIG_MAPS.patch({}, "a"),
        CONFIG_MAPS.patch({"data": {"n": 5}}, "a"),
        CONFIG_MAPS.patch({"data": ["x"]}, "a"),
        CONFIG_MAPS.patch({"data": {"n": None}}, "a"),
        CONFIG_MAPS.patch({"metadata": {"labels": {"x": None, "y": "2"}}}, "a"),
        CONFIG_MAPS.patch({"metadata": {"labels": None}}, "a"),
        CONFIG_MAPS.patch({"unknown": 1}, "a"),
        CONFIG_MAPS.patch({"kind": "Secret"}, "a").roughly(),
        CONFIG_MAPS.patch({"apiVersion": "v2"}, "a").roughly(),
        CONFIG_MAPS.patch([], "a"),
        CONFIG_MAPS.patch(b"{", "a"),
        CONFIG_MAPS.patch(b"", "a"),
        CONFIG_MAPS.patch("text", "a"),
    ),
    "JSON patch": (
        CONFIG_MAPS.create(ONE),
        operations({"op": "add", "path": "/data/m", "value": "x"}),
        operations({"op": "replace", "path": "/data/k", "value": "2"}),
        operations({"op": "remove", "path": "/data/k"}),
        operations({"op": "remove", "path": "/data/k"}),
        operations({"op": "replace", "path": "/data/k", "value": "2"}),
        operations({"op": "test", "path": "/data/l", "value": "w"}, {"op": "add", "path": "/data/t", "value": "1"}),
        operations({"op": "test", "path": "/data/l", "value": "other"}, {"op": "add", "path": "/data/t", "value": "2"}),
        operations({"op": "test", "path": "/data/none", "value": "other"}),
        operations({"op": "test", "path": "/data/none", "value": None}),
        operations({"op": "move", "from": "/data/l", "path": "/data/moved"}),
        operations({"op": "copy", "from": "/data/moved", "path": "/data/copied"}),
        operations({"op": "copy", "from": "/data/none", "path": "/data/copied"}),
        operations({"op": "move", "from": "/data/none", "path": "/data/copied"}),
        operations({"op": "add", "path": "/metadata/annotations/a", "value": "1"}),
        operations({"op": "add", "path": "/metadata/annotations", "value": {"a/b": "1"}}),
        operations({"op": "replace", "path": "/metadata/annotations/a~1b", "value": "2"}),
        operations({"op": "add", "path": "/metadata/finalizers", "value": ["x.y/z"]}),
        operations({"op": "add", "path": "/metadata/finalizers/-", "value": "x.y/w"}),
        operations({"op": "add", "path": "/metadata/finalizers/0", "value": "x.y/v"}),
        operations({"op": "add", "path": "/metadata/finalizers/9", "value": "x.y/u"}),
        operations({"op": "remove", "path": "/metadata/finalizers/9"}),
        operations({"op": "remove", "path": "/metadata/finalizers/-"}),
        operations({"op": "remove", "path": "/metadata/finalizers"}),
        operations({"op": "unknown", "path": "/data/k"}),
        operations({"op": "add", "path": "/data/k"}),
        operations({"op": "add"}),
        operations({"path": "/data/k", "value": "1"}),
        operations({"op": "add", "path": "data/k", "value": "1"}),
        operations({"op": "replace", "path": "", "value": config_map(data={"all": "new"})}),
        operations({"op": "replace", "path": "/metadata/name", "value": "b"}),
        operations({"op": "add", "path": "/data", "value": {"n": 5}}),
        operations({"op": "add", "path": "/deep/er", "value": 5}),
        operations(),
        CONFIG_MAPS.patch({}, "a", media=JSON_PATCH),
        CONFIG_MAPS.patch(b"[", "a", media=JSON_PATCH),
        CONFIG_MAPS.patch("text", "a", media=JSON_PATCH),
    ),
    "strategic merge": (
        DEPLOYMENTS.create(deployment()),
        SETTLED,
        DEPLOYMENTS.patch(CONTAINERS, "web", media=STRATEGIC).show("spec", "metadata.generation"),
        strategic(template(containers=[{"name": "web", "image": "web:3"}])),
        strategic(
            template(containers=[{"name": "web", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]}])
        ),
        strategic(template(containers=[{"name": "side", "$patch": "delete"}])),
        strategic(template(containers=[{"name": "none", "$patch": "delete"}])),
        strategic(template(containers=[{"$patch": "replace"}, {"name": "only", "image": "web:4"}])),
        strategic(
            {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "side"}, {"name": "web"}]}}}}
        ),
        strategic(
            template(
                **{
                    "$setElementOrder/containers": [{"name": "new"}, {"name": "side"}, {"name": "web"}],
                    "containers": [{"name": "new", "image": "web:5"}],
                }
            )
        ),
        strategic(template(containers=[{"name": "web", "env": None}])),
        strategic(template(containers=[{"name": "web", "ports": [{"containerPort": 80}, {"containerPort": 81}]}])),
        strategic(template(containers=[{"image": "web:3"}])),
        strategic(template(containers=["text"])).roughly(),
        strategic(template(containers={"name": "web"})).roughly(),
        strategic(template(volumes=[{"name": "v", "emptyDir": {}}])),
        *(strategic(template(nodeSelector={"$patch": how, "a": "b"})) for how in ("replace", "delete", "merge")),
        DEPLOYMENTS.patch(template(nodeSelector={"x": "y"}), "web", media=STRATEGIC).show("spec"),
        *(strategic(template(nodeSelector={"$patch": how, "a": "b"})) for how in ("replace", "delete", "merge")),
        strategic(
            template(containers=[{"name": "new", "image": "x", "resources": {"$patch": "replace", "limits": {}}}])
        ),
        strategic(template(containers=[{"name": "new", "image": "x", "env": [{"name": "a", "$patch": "delete"}]}])),
        strategic({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
        strategic({"spec": {"strategy": {"type": "Recreate"}}}),
        strategic({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}),
        strategic({"spec": {"$patch": "unknown"}}),
        strategic({"spec": {"selector": {"matchLabels": {"app": "other"}}}}),
        strategic({"spec": {"replicas": "three"}}).roughly(),
        strategic({"spec": {"replicas": -1}}),
        strategic({"metadata": {"labels": {"$patch": "replace", "only": "one"}}}),
        strategic([]),
        DEPLOYMENTS.patch({"metadata": {"finalizers": ["x.y/z", "x.y/w"]}}, "web", media=STRATEGIC).show(
            "metadata.finalizers"
        ),
        DEPLOYMENTS.patch({"metadata": {"finalizers": ["x.y/v", "x.y/w"]}}, "web", media=STRATEGIC).show(
            "metadata.finalizers"
        ),
        DEPLOYMENTS.patch(
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x.y/w"]}}, "web", media=STRATEGIC
        ).show("metadata.finalizers"),
        DEPLOYMENTS.patch(
            {"metadata": {"$setElementOrder/finalizers": ["x.y/v", "x.y/z"]}}, "web", media=STRATEGIC
        ).show("metadata.finalizers"),
        DEPLOYMENTS.patch({"metadata": {"finalizers": None}}, "web", media=STRATEGIC).show("metadata.finalizers"),
    ),
    "strategic merge of a Service": (
        SERVICES.create(SERVICE).show("spec.ports"),
        SERVICES.patch({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}, "s", media=STRATEGIC).show(
            "spec.ports"
        ),
        SERVICES.patch({"spec": {"ports": [{"port": 81, "$patch": "delete"}]}}, "s", media=STRATEGIC).show(
            "spec.ports"
        ),
        SERVICES.patch({"spec": {"ports": [{"name": "third", "port": 82}]}}, "s", media=STRATEGIC).show("spec.ports"),
        SERVICES.patch({"spec": {"ports": [{"port": 82}]}}, "s").show("spec.ports"),
    ),
    "patches of a custom resource": (
        RUNS.create(run()),
        RUNS.patch({"spec": {"seed": "2"}}, "r"),
        RUNS.patch([{"op": "replace", "path": "/spec/seed", "value": "3"}], "r", media=JSON_PATCH),
        RUNS.patch({"spec": {"seed": "4"}}, "r", media=STRATEGIC).roughly(),
        RUNS.patch({"spec": {"unknown": 1}}, "r"),
        RUNS.patch({"spec": {"seed": None}}, "r"),
        RUNS.patch({"spec": {"seed": 5}}, "r"),
        RUNS.patch({"metadata": {"resourceVersion": "1"}, "spec": {"seed": "5"}}, "r"),
    ),
    "patches that leave no object": (
        CONFIG_MAPS.create(config_map()),
        RUNS.create(run()),
        DEPLOYMENTS.create(deployment()).show("code"),
        SETTLED,
        *(CONFIG_MAPS.patch(whole, "a", media=JSON_PATCH) for whole in WHOLES),
        *(RUNS.patch(whole, "r", media=JSON_PATCH).roughly() for whole in WHOLES),
        *(DEPLOYMENTS.patch(whole, "web", "scale", media=JSON_PATCH).show(*SHOWN) for whole in WHOLES),
        *(DEPLOYMENTS.patch(whole, "web", "status", media=JSON_PATCH).show(*SHOWN) for whole in WHOLES),
        *(DEPLOYMENTS.put(body, "web", "scale").roughly() for body in ([], "x", 5, b"null", b"true", b"")),
        *(CONFIG_MAPS.create(body).roughly() for body in ([], "x", 5, b"null", b"true", b"")),
    ),
    "a Scale of something else": (
        DEPLOYMENTS.create(deployment()).show("code"),
        SETTLED,
        *(DEPLOYMENTS.patch(change, "web", "scale").show(*SHOWN) for change in OTHERS if change != ANOTHER_UID),
        DEPLOYMENTS.patch(ANOTHER_UID, "web", "scale").show("code", "reason"),
        *(DEPLOYMENTS.put({"metadata": {"name": "web"}, **other}, "web", "scale").show(*SHOWN) for other in OTHERS),
    ),
    "patches of another kind": (
        CONFIG_MAPS.create(config_map(data={"k": "v"})),
        *claiming(CONFIG_MAPS, "a"),
        CONFIG_MAPS.get("a"),
        DEPLOYMENTS.create(deployment()).show("code"),
        DEPLOYMENTS.get("web").settle().show("code"),
        *claiming(DEPLOYMENTS, "web"),
        *claiming(DEPLOYMENTS, "web", "scale"),
    ),
    "bodies of another kind": (
        CONFIG_MAPS.create(config_map(data={"k": "v"})),
        *(
            CONFIG_MAPS.put({**said, "metadata": {"name": "a"}}, "a")
            for said in (
                {"kind": "Other"},
                {"kind": "Pod"},
                {"kind": ""},
                {"apiVersion": "v9"},
                {"apiVersion": "apps/v1", "kind": "Deployment"},
                {"apiVersion": "apps/v1", "kind": "ConfigMap"},
            )
        ),
        DEPLOYMENTS.create({**config_map("web"), "spec": {}}),
    ),
    "what is no patch": (
        CONFIG_MAPS.create(ONE),
        CONFIG_MAPS.patch({}, "a", media="application/json"),
        CONFIG_MAPS.patch({}, "a", media="text/plain"),
        CONFIG_MAPS.patch({}, "a", media="application/merge-patch+json; charset=utf-8"),
    ),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_patching(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
