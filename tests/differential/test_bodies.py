"""What clients send wrongly: malformed bodies, other formats, unknown fields, wrong types, wrong paths."""

import json

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import JSON_PATCH, STRATEGIC, Ask
from tests.differential.samples import run
from tests.differential.words import CONFIG_MAPS, DEPLOYMENTS, LEASES, RUNS, SERVICES, config_map, deployment

pytestmark = pytest.mark.cluster

STRANGE = config_map(data={"k": "v"}, metadata={"odd": 1}, strange={"deep": 1})
TWICE = b'{"metadata": {"name": "a", "labels": {"x": "1", "x": ""}}, "odd": {"b": 1}, "data": {"k": "", "k": ""}}'
YAML = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\ndata: {when: 2020-01-01}\n"


def paths(*rows: tuple[str, str]) -> tuple[Ask, ...]:
    return tuple(Ask(method=method, path=path) for method, path in rows)


SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "no objects": (
        CONFIG_MAPS.create(b"").roughly(),
        CONFIG_MAPS.create(b"{").roughly(),
        CONFIG_MAPS.create(b"nonsense").roughly(),
        CONFIG_MAPS.create(b"[]").roughly(),
        CONFIG_MAPS.create("text").roughly(),
        CONFIG_MAPS.create({}),
        CONFIG_MAPS.put(b"{", "a").roughly(),
        CONFIG_MAPS.create({"metadata": "text"}).roughly(),
        CONFIG_MAPS.create({"metadata": {"name": 5}}).roughly(),
        CONFIG_MAPS.create({"metadata": {"name": "a", "labels": ["x"]}}).roughly(),
        CONFIG_MAPS.create({"metadata": {"name": "a", "labels": {"x": 5}}}).roughly(),
        RUNS.create(b"{").roughly(),
        RUNS.create({"metadata": "text"}).roughly(),
    ),
    "other kinds": (
        CONFIG_MAPS.create({"metadata": {"name": "bare"}}),
        CONFIG_MAPS.create({"kind": "ConfigMap", "metadata": {"name": "versionless"}}).roughly(),
        CONFIG_MAPS.create({"apiVersion": "v1", "metadata": {"name": "kindless"}}).roughly(),
        CONFIG_MAPS.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}).roughly(),
        CONFIG_MAPS.create({"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "a"}}).roughly(),
        CONFIG_MAPS.create({"apiVersion": "apps/v1", "kind": "ConfigMap", "metadata": {"name": "a"}}).roughly(),
        RUNS.create({**run(), "kind": "ChaosGate"}),
        RUNS.create({key: value for key, value in run().items() if key != "kind"}).roughly(),
    ),
    "formats": (
        CONFIG_MAPS.create(YAML, media="application/yaml"),
        CONFIG_MAPS.create(b"a: [", media="application/yaml").roughly(),
        CONFIG_MAPS.create(config_map("t"), media="text/plain").roughly(),
        CONFIG_MAPS.create(config_map("u"), media="application/xml").roughly(),
        CONFIG_MAPS.create(config_map("v"), media="application/json; charset=utf-8"),
        CONFIG_MAPS.create(config_map("w"), media=""),
        CONFIG_MAPS.put(config_map("w"), "w", media="application/merge-patch+json").roughly(),
        RUNS.create(run(), media="text/plain").roughly(),
    ),
    "fields that come twice": (
        *(CONFIG_MAPS.create(TWICE, fieldValidation=wanted) for wanted in ("Strict", "Warn")),
        CONFIG_MAPS.put(TWICE, "a"),
        CONFIG_MAPS.put(TWICE, "a", fieldValidation="Strict"),
        CONFIG_MAPS.put(TWICE, "a", fieldValidation="Ignore"),
        CONFIG_MAPS.patch(b'{"data": {"x": "1", "x": "2"}, "strange": {"a": 1, "a": 2}}', "a"),
        CONFIG_MAPS.patch(b'{"data": {"x": "1", "x": "2"}, "strange": {"a": 1, "a": 2}}', "a", media=STRATEGIC),
        CONFIG_MAPS.patch(b'{"data": {"x": "1", "x": "2"}}', "a", fieldValidation="Strict").roughly(),
        CONFIG_MAPS.patch(b'[{"op": "add", "op": "add", "path": "/data/z", "value": "1"}]', "a", media=JSON_PATCH),
        SERVICES.create(
            b'{"metadata": {"name": "s"}, "spec": {"clusterIP": "None", "ports": [{"port": 1, "port": 2}]}}'
        ),
        LEASES.create(b'{"metadata": {"name": "l"}, "spec": {"leaseDurationSeconds": 1, "leaseDurationSeconds": 2}}'),
        RUNS.create(json.dumps(run()).replace('"seed": "1"', '"seed": "1", "seed": "2"').encode()),
        RUNS.create(
            json.dumps(run()).replace('"seed": "1"', '"seed": "1", "seed": "2"').encode(), fieldValidation="Strict"
        ),
        Ask(method="DELETE", path=CONFIG_MAPS.path("a"), body=b'{"gracePeriodSeconds": 0, "gracePeriodSeconds": 0}'),
    ),
    "unknown fields": (
        CONFIG_MAPS.create(STRANGE),
        CONFIG_MAPS.put(STRANGE, "a"),
        CONFIG_MAPS.put(STRANGE, "a", fieldValidation="Warn"),
        CONFIG_MAPS.put(STRANGE, "a", fieldValidation="Ignore"),
        CONFIG_MAPS.put(STRANGE, "a", fieldValidation="Strict"),
        CONFIG_MAPS.put(STRANGE, "a", fieldValidation="Some"),
        CONFIG_MAPS.patch({"strange": 1}, "a"),
        CONFIG_MAPS.patch({"strange": 1}, "a", fieldValidation="Strict"),
        CONFIG_MAPS.patch({"strange": 1}, "a", fieldValidation="Ignore"),
        CONFIG_MAPS.patch(
            [{"op": "add", "path": "/strange", "value": 1}], "a", media=JSON_PATCH, fieldValidation="Strict"
        ),
        CONFIG_MAPS.create(config_map("case", Data={"k": "v"})),
        DEPLOYMENTS.create(deployment("web", replicaz=1)).show("code", "spec.replicas"),
        DEPLOYMENTS.create(deployment("web2", replicaz=1), fieldValidation="Strict"),
        DEPLOYMENTS.patch(
            {"spec": {"template": {"spec": {"containers": [{"name": "web", "imagee": "x"}]}}}},
            "web",
            media=STRATEGIC,
            fieldValidation="Strict",
        ),
        RUNS.create({**run(), "strange": 1}),
        RUNS.create({**run("s", strange=1), "odd": 1}, fieldValidation="Strict"),
        RUNS.create({**run("i", strange=1), "odd": 1}, fieldValidation="Ignore"),
        RUNS.patch({"spec": {"strange": 1}}, "r", fieldValidation="Strict"),
        RUNS.patch({"metadata": {"strange": 1}}, "r"),
        RUNS.patch({"metadata": {"strange": 1}}, "r", fieldValidation="Strict"),
    ),
    "wrong types": (
        CONFIG_MAPS.create(config_map(data={"k": 5})),
        CONFIG_MAPS.create(config_map(data=["k"])),
        CONFIG_MAPS.create(config_map(data="k")),
        CONFIG_MAPS.create(config_map(immutable="yes")),
        LEASES.create(LEASES.object("l", spec={"leaseDurationSeconds": "15"})),
        LEASES.create(LEASES.object("l", spec={"leaseDurationSeconds": 1.5})).roughly(),
        LEASES.create(LEASES.object("l", spec={"leaseDurationSeconds": 15.0})).roughly(),
        LEASES.create(LEASES.object("m", spec={"renewTime": "yesterday"})).roughly(),
        LEASES.create(LEASES.object("m", spec=[])).roughly(),
        DEPLOYMENTS.create(deployment(replicas="2")),
        DEPLOYMENTS.create(deployment(template=[])).roughly(),
        SERVICES.create(SERVICES.object("s", spec={"ports": {"port": 80}})).roughly(),
    ),
    "paths": paths(
        ("GET", "/apis/apps/v9"),
        ("GET", "/apis/nothing.example"),
        ("GET", "/apis/nothing.example/v1"),
        ("GET", "/api/v9"),
        ("GET", "/api/v9/pods"),
        ("POST", "/apis/nothing.example/v1/x"),
        ("POST", "/nothing"),
        ("POST", "/version"),
        ("PUT", "/apis/apps/v1"),
        ("POST", "/api"),
        ("GET", "/apis/apps/v1/nothing"),
        ("GET", "/apis/chaosgate.dev/v9/chaosruns"),
        ("GET", "/apis/chaosgate.dev/v1alpha1/nothing"),
        ("GET", "/api/v1/namespaces/${ns}/configmaps/a/nothing"),
        ("PUT", "/api/v1/namespaces/${ns}/configmaps"),
        ("POST", "/api/v1/namespaces/${ns}/configmaps/a"),
        ("POST", "/api/v1/configmaps"),
        ("DELETE", "/api/v1/configmaps"),
        ("GET", "/api/v1/configmaps/a"),
        ("PATCH", "/api/v1/namespaces/${ns}/configmaps"),
        ("DELETE", "/api/v1/namespaces"),
        ("POST", "/apis/chaosgate.dev/v1alpha1/chaosruns"),
        ("DELETE", "/apis/chaosgate.dev/v1alpha1/chaosruns"),
        ("GET", "/api/v1/namespaces/${ns}/nodes"),
        ("GET", "/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets/a/scale"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/livez"),
        ("POST", "/api/v1/namespaces/${ns}/configmaps/a/status"),
    ),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_bodies(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
