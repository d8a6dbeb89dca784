"""How things end: finalizers, owners, propagation, namespaces, grace. Both grounds say the same."""

from typing import Any

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.samples import pod, run
from tests.differential.words import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    RUNS,
    SERVICE_ACCOUNTS,
    SERVICES,
    config_map,
    deployment,
)

pytestmark = pytest.mark.cluster

SERVICE = SERVICES.object("s", spec={"clusterIP": "None", "ports": [{"port": 80}], "selector": {"app": "s"}})
HELD = config_map(metadata={"finalizers": ["x.y/z"]})
GATED = PODS.object(
    "g", spec={"containers": [{"name": "main", "image": "web:1"}], "schedulingGates": [{"name": "wait"}]}
)
BOUND = PODS.object("b", spec={"containers": [{"name": "main", "image": "web:1"}], "nodeName": "nobody"})
REMAINING = "Some resources are remaining: configmaps. has 1 resource instances, secrets. has 1 resource instances"
"""A real namespace has more for a moment, and counts that too."""
FAREWELL = (
    *("kind", "reason", "message", "metadata.resourceVersion", "metadata.deletionTimestamp"),
    *("metadata.deletionGracePeriodSeconds", "metadata.generation"),
)
SEEN = ("type", *(f"object.{path}" for path in FAREWELL[3:]))


def owned(name: str, owner: str = "o", /, *, uid: str = "", **more: Any) -> dict[str, Any]:
    """A ConfigMap that belongs to the one that was kept under the owner's name."""
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid or f"${{{owner}:metadata.uid}}"}
    return config_map(name, metadata={"ownerReferences": [{**reference, **more}]})


def gone(name: str) -> Ask:
    return CONFIG_MAPS.get(name).until(code=404)


def reference(owner: str) -> dict[str, str]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": f"${{{owner}:metadata.uid}}"}


def seen_by_the_collector(name: str) -> tuple[Ask, ...]:
    """What was written before, too: it goes by what it has heard of, in its order."""
    return (
        CONFIG_MAPS.create(owned(name, uid="0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d")).show("code"),
        gone(name).show("code"),
    )


SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "a finalizer holds": (
        CONFIG_MAPS.create(HELD),
        CONFIG_MAPS.delete("a"),
        CONFIG_MAPS.get("a"),
        CONFIG_MAPS.delete("a"),
        CONFIG_MAPS.create(config_map()),
        CONFIG_MAPS.patch({"data": {"still": "writable"}}, "a"),
        CONFIG_MAPS.patch({"metadata": {"finalizers": ["x.y/z", "x.y/new"]}}, "a"),
        CONFIG_MAPS.patch({"metadata": {"deletionTimestamp": None}}, "a"),
        CONFIG_MAPS.patch({"metadata": {"deletionGracePeriodSeconds": 5}}, "a"),
        CONFIG_MAPS.put(config_map(metadata={"finalizers": ["x.y/z"]}), "a"),
        CONFIG_MAPS.patch({"metadata": {"finalizers": []}}, "a"),
        CONFIG_MAPS.get("a"),
        CONFIG_MAPS.create(config_map()),
    ),
    "a custom resource is held": (
        RUNS.create({**run(), "metadata": {"name": "r", "finalizers": ["chaosgate.dev/revert"]}}),
        RUNS.delete("r", options={"gracePeriodSeconds": 0}),
        RUNS.patch({"status": {"phase": "Executed"}}, "r", "status"),
        RUNS.patch({"metadata": {"finalizers": None}}, "r"),
        RUNS.get("r"),
    ),
    "what belongs to somebody goes with it": (
        CONFIG_MAPS.create(config_map("o")).keep("o"),
        CONFIG_MAPS.create(config_map("p")).keep("p"),
        CONFIG_MAPS.create(owned("child")).keep("child"),
        CONFIG_MAPS.create(owned("grandchild", "child")),
        CONFIG_MAPS.create(owned("stranger", uid="0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d")),
        gone("stranger"),
        CONFIG_MAPS.create(owned("both")).keep("both"),
        CONFIG_MAPS.patch(
            {
                "metadata": {
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "${o:metadata.uid}"},
                        {"apiVersion": "v1", "kind": "ConfigMap", "name": "p", "uid": "${p:metadata.uid}"},
                    ]
                }
            },
            "both",
        ),
        CONFIG_MAPS.delete("o"),
        gone("child"),
        gone("grandchild"),
        CONFIG_MAPS.get("both").until(metadata__ownerReferences__1=None),
        CONFIG_MAPS.delete("p", propagationPolicy="Background"),
        gone("both"),
    ),
    "orphans": (
        CONFIG_MAPS.create(config_map("o")).keep("o"),
        CONFIG_MAPS.create(owned("child")),
        CONFIG_MAPS.delete("o", options={"propagationPolicy": "Orphan"}).show("code"),
        gone("o"),
        CONFIG_MAPS.get("child").until(metadata__ownerReferences=None),
    ),
    "dependents first": (
        CONFIG_MAPS.create(config_map("o")).keep("o"),
        CONFIG_MAPS.create({**owned("child", blockOwnerDeletion=True)}),
        CONFIG_MAPS.patch({"metadata": {"finalizers": ["x.y/z"]}}, "child"),
        CONFIG_MAPS.delete("o", options={"propagationPolicy": "Foreground"}),
        # For a moment the child waits for dependents of its own, which it does not have.
        CONFIG_MAPS.get("child")
        .until(metadata__deletionGracePeriodSeconds=0, metadata__finalizers=["x.y/z"])
        .show("metadata.finalizers"),
        CONFIG_MAPS.get("o").show("metadata.finalizers", "metadata.deletionTimestamp"),
        CONFIG_MAPS.patch({"metadata": {"finalizers": None}}, "child").show("metadata.name"),
        gone("child"),
        gone("o"),
    ),
    "dependents first, as far as they hold up their owner": (
        CONFIG_MAPS.create(config_map("o")).keep("o"),
        CONFIG_MAPS.create(config_map("p")).keep("p"),
        CONFIG_MAPS.create(owned("free")),
        CONFIG_MAPS.patch({"metadata": {"finalizers": ["x.y/z"]}}, "free"),
        CONFIG_MAPS.create(owned("both", blockOwnerDeletion=True)).keep("both"),
        CONFIG_MAPS.patch({"metadata": {"ownerReferences": [reference("o"), reference("p")]}}, "both"),
        *seen_by_the_collector("one"),
        CONFIG_MAPS.delete("o", options={"propagationPolicy": "Foreground"}).show("code"),
        gone("o"),
        CONFIG_MAPS.get("both").until(metadata__ownerReferences__1=None).show("metadata.ownerReferences"),
        CONFIG_MAPS.get("free").until(metadata__deletionGracePeriodSeconds=0).show("metadata.finalizers"),
        CONFIG_MAPS.patch({"metadata": {"finalizers": None}}, "free").show("code"),
    ),
    "dependents of dependents first": (
        CONFIG_MAPS.create(config_map("o")).keep("o"),
        CONFIG_MAPS.create(owned("child", blockOwnerDeletion=True)).keep("child"),
        CONFIG_MAPS.create(owned("grandchild", "child", blockOwnerDeletion=True)),
        CONFIG_MAPS.patch({"metadata": {"finalizers": ["x.y/z"]}}, "grandchild"),
        *seen_by_the_collector("one"),
        CONFIG_MAPS.delete("o", options={"propagationPolicy": "Foreground"}).show("code"),
        CONFIG_MAPS.get("grandchild").until(metadata__deletionGracePeriodSeconds=0).show("metadata.finalizers"),
        CONFIG_MAPS.get("child").show("metadata.finalizers"),
        CONFIG_MAPS.patch({"metadata": {"ownerReferences": None}}, "grandchild").show("code"),
        gone("child"),
        gone("o"),
        CONFIG_MAPS.patch({"metadata": {"finalizers": None}}, "grandchild").show("code"),
    ),
    "policies that cannot be": (
        CONFIG_MAPS.create(config_map()),
        CONFIG_MAPS.delete("a", propagationPolicy="Sometimes"),
        CONFIG_MAPS.delete("a", options={"propagationPolicy": "Sometimes"}),
        CONFIG_MAPS.delete("a", options={"propagationPolicy": "Orphan", "orphanDependents": True}),
        CONFIG_MAPS.delete("a", options={"gracePeriodSeconds": "x"}).roughly(),
        CONFIG_MAPS.delete("a", gracePeriodSeconds="x"),
        CONFIG_MAPS.delete("a", options={"kind": "Other"}).roughly(),
        CONFIG_MAPS.delete("a"),
    ),
    "a Deployment and all below it": (
        DEPLOYMENTS.create(deployment(paused=False, replicas=2)).show("code"),
        DEPLOYMENTS.get("web").until(status__readyReplicas=2).show("code"),
        DEPLOYMENTS.delete("web").show("code", "details.name"),
        DEPLOYMENTS.get("web").until(code=404),
        REPLICA_SETS.get(labelSelector="app=web").until(items=[]),
        PODS.get(labelSelector="app=web").until(items=[]),
    ),
    "pods": (
        PODS.create(pod("p")).show("code"),
        PODS.get("p").until(status__phase="Running").show("code"),
        PODS.delete("p", options={"preconditions": {"uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}}),
        PODS.delete("p", gracePeriodSeconds="0").show(
            "kind", "metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds", "metadata.generation"
        ),
        PODS.get("p").until(code=404),
    ),
    "pods that wait for nothing": (
        *(
            ask
            for grace, finalizers in (({}, []), ({"gracePeriodSeconds": "5"}, []), ({}, ["x.y/z"]))
            for ask in (
                PODS.create({**GATED, "metadata": {"name": "g", "finalizers": finalizers}})
                .keep("g")
                .show("metadata.resourceVersion"),
                PODS.delete("g", dryRun="All", **grace).show(*FAREWELL),
                PODS.delete("g", **grace).show(*FAREWELL),
                PODS.delete("g", gracePeriodSeconds="0").show(*FAREWELL),
                PODS.patch({"metadata": {"finalizers": None}}, "g").show(*FAREWELL),
                PODS.watch("${g:metadata.resourceVersion}")
                .take(2)
                .show(*(f"{n}.{part}" for n in "01" for part in SEEN)),
            )
        ),
    ),
    "pods that are given less time": (
        PODS.create(BOUND).keep("b").show("metadata.resourceVersion"),
        *(PODS.delete("b", gracePeriodSeconds=grace).show(*FAREWELL) for grace in ("20", "5", "9", "0", "0")),
        PODS.watch("${b:metadata.resourceVersion}").take(4).show(*(f"{n}.{part}" for n in "0123" for part in SEEN)),
    ),
    "rehearsals": (
        SERVICES.create(SERVICE),
        SERVICE_ACCOUNTS.create(SERVICE_ACCOUNTS.object("s")),
        *(kind.delete("s", dryRun="All") for kind in (SERVICES, SERVICE_ACCOUNTS)),
        *(kind.get("s") for kind in (SERVICES, SERVICE_ACCOUNTS)),
        SERVICES.patch({"metadata": {"finalizers": ["x.y/z"]}}, "s"),
        SERVICES.delete("s", dryRun="All"),
        SERVICES.delete("s"),
        SERVICES.delete("s", dryRun="All"),
        PODS.create(pod("p")).show("code"),
        PODS.get("p").until(status__phase="Running").show("code"),
        PODS.delete("p", dryRun="All").show(
            "kind", "metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds"
        ),
        PODS.delete("p", gracePeriodSeconds="30", dryRun="All").show("kind", "metadata.deletionGracePeriodSeconds"),
        PODS.get("p").show("metadata.deletionTimestamp"),
        NAMESPACES.delete("${ns}", dryRun="All").show("kind", "status.phase", "metadata.deletionTimestamp"),
    ),
    "owners of each other": (
        *(CONFIG_MAPS.create(config_map(name)).keep(name).show("code") for name in "xy"),
        *(
            CONFIG_MAPS.patch(
                {"metadata": {"ownerReferences": [{**reference(other), "blockOwnerDeletion": True}]}}, name
            )
            for name, other in ("xy", "yx")
        ),
        *seen_by_the_collector("z"),
        CONFIG_MAPS.delete("x", options={"propagationPolicy": "Foreground"}).show("code"),
        *(gone(name) for name in "xy"),
    ),
    "a namespace that is still full": (
        NAMESPACES.create({"metadata": {"name": "${ns}-more"}}).show("code"),
        *(
            Ask(
                method="POST",
                path=f"/api/v1/namespaces/${{ns}}-more/{plural}",
                body={"metadata": {"name": "a", "finalizers": finalizers}},
            ).show("code")
            for plural, finalizers in (("configmaps", ["x.y/z", "x.y/w"]), ("secrets", ["x.y/z"]))
        ),
        NAMESPACES.delete("${ns}-more").show("code"),
        NAMESPACES.get("${ns}-more")
        .until(status__conditions__4__status="True", status__conditions__3__message=REMAINING)
        .show("status"),
        *(
            Ask(
                method="PATCH",
                path=f"/api/v1/namespaces/${{ns}}-more/{plural}/a",
                media="application/merge-patch+json",
                body={"metadata": {"finalizers": None}},
            ).show("code")
            for plural in ("configmaps", "secrets")
        ),
    ),
    "a namespace": (
        NAMESPACES.create({"metadata": {"name": "${ns}-more", "labels": {"team": "x"}}}).keep("n"),
        NAMESPACES.create({"metadata": {"name": "${ns}-more"}}),
        NAMESPACES.patch({"metadata": {"labels": {"team": None}}}, "${ns}-more"),
        NAMESPACES.patch({"metadata": {"labels": {"kubernetes.io/metadata.name": "other"}}}, "${ns}-more"),
        NAMESPACES.put({"metadata": {"name": "${ns}-more"}}, "${ns}-more"),
        Ask(method="POST", path="/api/v1/namespaces/${ns}-more/configmaps", body=HELD).show("code"),
        NAMESPACES.delete("${ns}-more").show("kind", "metadata.deletionTimestamp", "status.phase", "spec"),
        NAMESPACES.get("${ns}-more").until(status__phase="Terminating").show("spec", "status.phase"),
        Ask(method="POST", path="/api/v1/namespaces/${ns}-more/configmaps", body=config_map("b")),
        Ask(method="GET", path="/api/v1/namespaces/${ns}-more/configmaps/a")
        .until(metadata__deletionGracePeriodSeconds=0)
        .show("code"),
        NAMESPACES.delete("${ns}-more").show("code"),
        Ask(
            method="PATCH",
            path="/api/v1/namespaces/${ns}-more/configmaps/a",
            media="application/merge-patch+json",
            body={"metadata": {"finalizers": None}},
        ).show("code"),
    ),
    "a namespace that is empty, and some that cannot be": (
        NAMESPACES.create({"metadata": {"name": "${ns}-more"}}),
        NAMESPACES.delete("${ns}-more").show("code"),
        NAMESPACES.get("${ns}-more").until(code=404),
        NAMESPACES.delete("${ns}-more"),
        NAMESPACES.create({"metadata": {"name": "Upper"}}),
        NAMESPACES.create({"metadata": {"name": "x" * 64}}),
        NAMESPACES.create({"metadata": {"name": "with.dot"}}),
    ),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_ending(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
