"""Create, update, delete, dry run, generated names, preconditions: both grounds say the same."""

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.words import CONFIG_MAPS, DEPLOYMENTS, LEASES, RUNS, SECRETS, config_map, deployment

pytestmark = pytest.mark.cluster

ONE = config_map(data={"k": "v"})
LONG = "x" * 254

SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "a life": (
        CONFIG_MAPS.create(ONE).keep("a"),
        CONFIG_MAPS.get("a"),
        CONFIG_MAPS.put(config_map(data={"k": "w"}), "a"),
        CONFIG_MAPS.put(config_map(data={"k": "w"}), "a"),
        CONFIG_MAPS.delete("a"),
        CONFIG_MAPS.get("a"),
        CONFIG_MAPS.delete("a"),
        CONFIG_MAPS.put(ONE, "a"),
    ),
    "a name twice": (
        CONFIG_MAPS.create(ONE),
        CONFIG_MAPS.create(ONE),
        DEPLOYMENTS.create(deployment()),
        DEPLOYMENTS.create(deployment()),
    ),
    "a stale version": (
        CONFIG_MAPS.create(ONE).keep("a"),
        CONFIG_MAPS.patch({"data": {"k": "2"}}, "a").keep("a"),
        CONFIG_MAPS.put(config_map(metadata={"resourceVersion": "${a[0]:metadata.resourceVersion}"}), "a"),
        CONFIG_MAPS.put(config_map(metadata={"resourceVersion": "${a:metadata.resourceVersion}"}), "a"),
        CONFIG_MAPS.patch(
            {"metadata": {"resourceVersion": "${a[0]:metadata.resourceVersion}"}, "data": {"k": "3"}}, "a"
        ),
        CONFIG_MAPS.put(config_map(metadata={"resourceVersion": "nonsense"}), "a"),
        CONFIG_MAPS.put(config_map(metadata={"resourceVersion": "0"}), "a"),
        CONFIG_MAPS.put(config_map("b", metadata={"resourceVersion": "5"}), "b"),
        CONFIG_MAPS.patch({"metadata": {"resourceVersion": "nonsense"}}, "a"),
    ),
    "a version on something new": (
        CONFIG_MAPS.create(config_map(metadata={"resourceVersion": "5"})),
        CONFIG_MAPS.create(
            config_map(
                metadata={"uid": "5", "creationTimestamp": "2020-01-01T00:00:00Z", "generation": 7, "selfLink": "/x"}
            )
        ),
    ),
    "somebody else's uid": (
        CONFIG_MAPS.create(ONE).keep("a"),
        CONFIG_MAPS.put(config_map(metadata={"uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}), "a"),
        CONFIG_MAPS.patch({"metadata": {"uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}}, "a"),
        CONFIG_MAPS.patch({"metadata": {"uid": "${a:metadata.uid}", "labels": {"x": "y"}}}, "a"),
    ),
    "kinds that need a version": (
        LEASES.put(LEASES.object("l", spec={}), "l").keep("l"),
        LEASES.put(LEASES.object("l", spec={"holderIdentity": "me"}), "l"),
        LEASES.put(
            LEASES.object(
                "l", metadata={"resourceVersion": "${l:metadata.resourceVersion}"}, spec={"holderIdentity": "me"}
            ),
            "l",
        ),
        LEASES.put(
            LEASES.object(
                "l", metadata={"resourceVersion": "${l:metadata.resourceVersion}"}, spec={"holderIdentity": "you"}
            ),
            "l",
        ),
        LEASES.put(LEASES.object("m", metadata={"resourceVersion": "3"}, spec={}), "m"),
    ),
    "delete with preconditions": (
        CONFIG_MAPS.create(ONE).keep("a"),
        CONFIG_MAPS.patch({"data": {"k": "2"}}, "a").keep("a"),
        CONFIG_MAPS.delete("a", options={"preconditions": {"uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}}),
        CONFIG_MAPS.delete("a", options={"preconditions": {"resourceVersion": "${a[0]:metadata.resourceVersion}"}}),
        CONFIG_MAPS.delete(
            "a",
            options={"preconditions": {"uid": "${a:metadata.uid}", "resourceVersion": "${a:metadata.resourceVersion}"}},
        ),
    ),
    "dry runs": (
        CONFIG_MAPS.create(ONE, dryRun="All"),
        CONFIG_MAPS.get("a"),
        CONFIG_MAPS.create(ONE).keep("a"),
        CONFIG_MAPS.create(ONE, dryRun="All"),
        CONFIG_MAPS.put(config_map(data={"k": "dry"}), "a", dryRun="All"),
        CONFIG_MAPS.patch({"data": {"k": "dry"}}, "a", dryRun="All"),
        CONFIG_MAPS.delete("a", dryRun="All"),
        CONFIG_MAPS.delete("a", options={"dryRun": ["All"]}),
        CONFIG_MAPS.get("a"),
        CONFIG_MAPS.patch({"data": {"k": "dry"}}, "a", dryRun="Some"),
        CONFIG_MAPS.put(ONE, "a", dryRun="Some"),
        CONFIG_MAPS.create(ONE, dryRun="Some"),
        CONFIG_MAPS.delete("a", dryRun="Some"),
        CONFIG_MAPS.delete("a", options={"dryRun": ["Some"]}),
    ),
    "a body makes a deletion forget what its URL says": (
        CONFIG_MAPS.create(ONE),
        CONFIG_MAPS.delete("a", options={}, dryRun="All", propagationPolicy="Nonsense"),
        CONFIG_MAPS.get("a"),
    ),
    "generated names": (
        CONFIG_MAPS.create({"metadata": {"generateName": "made-"}}).keep("a"),
        CONFIG_MAPS.get("${a:metadata.name}"),
        CONFIG_MAPS.delete("${a:metadata.name}"),
        CONFIG_MAPS.create({"metadata": {"generateName": "x" * 250}}).show("metadata.generateName"),
        CONFIG_MAPS.create({"metadata": {"generateName": "made-"}}, dryRun="All"),
        CONFIG_MAPS.create({"metadata": {"generateName": "made-", "name": "chosen"}}),
        CONFIG_MAPS.create({"metadata": {"generateName": "Made-"}}).show("code"),
    ),
    "names that cannot be": (
        CONFIG_MAPS.create({"metadata": {}}),
        CONFIG_MAPS.create({"metadata": {"name": ""}}),
        CONFIG_MAPS.create(config_map(LONG)),
        CONFIG_MAPS.create(config_map("Upper")),
        CONFIG_MAPS.create(config_map("with/slash")),
        CONFIG_MAPS.create(config_map("..")),
        DEPLOYMENTS.create(deployment(LONG)),
        RUNS.create(RUNS.object("Upper")),
        CONFIG_MAPS.put(config_map("b"), "a"),
        CONFIG_MAPS.put({"metadata": {}}, "a"),
        CONFIG_MAPS.create(ONE),
        CONFIG_MAPS.patch({"metadata": {"name": "b"}}, "a"),
    ),
    "metadata that cannot be": (
        CONFIG_MAPS.create(config_map(metadata={"labels": {"bad key": "v"}})),
        CONFIG_MAPS.create(config_map(metadata={"labels": {"k": "bad value"}})),
        CONFIG_MAPS.create(config_map(metadata={"labels": {"k": "x" * 64}})),
        CONFIG_MAPS.create(config_map(metadata={"labels": {"x" * 64: "v"}})),
        CONFIG_MAPS.create(config_map(metadata={"labels": {"a/b/c": "v"}})),
        CONFIG_MAPS.create(config_map(metadata={"labels": {"Bad_Prefix/c": "v"}})),
        CONFIG_MAPS.create(config_map(metadata={"labels": {"": "v"}})),
        CONFIG_MAPS.create(config_map(metadata={"annotations": {"bad key": "any value, really"}})),
        CONFIG_MAPS.create(config_map(metadata={"finalizers": ["nodomain"]})),
        CONFIG_MAPS.create(config_map(metadata={"finalizers": ["bad one/x"]})),
        CONFIG_MAPS.create(
            config_map(metadata={"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "", "uid": ""}]})
        ),
        CONFIG_MAPS.create(
            config_map(
                metadata={
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1", "controller": True},
                        {"apiVersion": "v1", "kind": "ConfigMap", "name": "y", "uid": "2", "controller": True},
                    ]
                }
            )
        ),
    ),
    "data that cannot be": (
        CONFIG_MAPS.create(config_map(data={"bad key": "v"})),
        CONFIG_MAPS.create(config_map(data={"..": "v"})),
        CONFIG_MAPS.create(config_map(data={"k": "v"}, binaryData={"k": "dg=="})),
        CONFIG_MAPS.create(config_map(binaryData={"k": "not base64"})),
        CONFIG_MAPS.create(config_map(data={"k": "x" * (1024 * 1024 + 1)})).show("reason", "details.kind"),
        SECRETS.create(SECRETS.object("s", data={"bad key": "dg=="})),
        SECRETS.create(SECRETS.object("s", data={"k": "not base64"})),
        SECRETS.create(SECRETS.object("s", type="kubernetes.io/tls", data={"tls.crt": "dg=="})),
        SECRETS.create(SECRETS.object("s", type="kubernetes.io/dockerconfigjson", data={})),
        SECRETS.create(SECRETS.object("s", type="kubernetes.io/basic-auth", data={})),
    ),
    "what cannot be changed": (
        CONFIG_MAPS.create(config_map(data={"k": "v"}, immutable=True)),
        CONFIG_MAPS.patch({"data": {"k": "w"}}, "a"),
        CONFIG_MAPS.patch({"immutable": False}, "a"),
        CONFIG_MAPS.patch({"immutable": None}, "a"),
        CONFIG_MAPS.patch({"metadata": {"labels": {"still": "free"}}}, "a"),
        SECRETS.create(SECRETS.object("s", stringData={"k": "v"})),
        SECRETS.patch({"stringData": {"l": "w"}}, "s"),
        SECRETS.patch({"type": "other"}, "s"),
        SECRETS.patch({"immutable": True}, "s"),
        SECRETS.patch({"stringData": {"k": "x"}}, "s"),
        CONFIG_MAPS.patch({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z", "generation": 99}}, "a"),
        CONFIG_MAPS.patch({"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}}, "a"),
        CONFIG_MAPS.patch({"metadata": {"namespace": "elsewhere"}}, "a"),
    ),
    "a namespace that is not there": (
        Ask(method="POST", path="/api/v1/namespaces/nowhere/configmaps", body=ONE),
        Ask(method="GET", path="/api/v1/namespaces/nowhere/configmaps"),
        Ask(method="GET", path="/api/v1/namespaces/nowhere/configmaps/a"),
        Ask(method="DELETE", path="/api/v1/namespaces/nowhere/configmaps"),
        Ask(
            method="POST",
            path="/api/v1/namespaces/nowhere/configmaps",
            body=config_map(metadata={"namespace": "${ns}"}),
        ),
        CONFIG_MAPS.create(config_map(metadata={"namespace": "elsewhere"})),
        CONFIG_MAPS.put(config_map(metadata={"namespace": "elsewhere"}), "a"),
    ),
    "several at once": (
        CONFIG_MAPS.create(config_map("a", metadata={"labels": {"x": "1"}})),
        CONFIG_MAPS.create(config_map("b", metadata={"labels": {"x": "1"}})),
        CONFIG_MAPS.create(config_map("c", metadata={"labels": {"x": "2"}, "finalizers": ["a.b/c"]})),
        CONFIG_MAPS.delete(labelSelector="x=1", dryRun="All"),
        CONFIG_MAPS.delete(labelSelector="x=1"),
        CONFIG_MAPS.delete(labelSelector="x=2"),
        CONFIG_MAPS.delete(labelSelector="x=2"),
        CONFIG_MAPS.get(labelSelector="x"),
        CONFIG_MAPS.delete(labelSelector="x=3"),
        CONFIG_MAPS.delete(labelSelector="bad=("),
        CONFIG_MAPS.patch({"metadata": {"finalizers": None}}, "c"),
        SECRETS.create(SECRETS.object("s")),
        SECRETS.delete(),
        LEASES.create(LEASES.object("l1")),
        LEASES.create(LEASES.object("l2")),
        LEASES.delete(),
    ),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_writing(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
