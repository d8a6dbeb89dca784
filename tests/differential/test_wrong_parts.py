"""Parts of objects that are wrong: each kind refuses its own as the real server does."""

import base64
from typing import Any

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.words import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, SECRETS, SERVICES, config_map, deployment

pytestmark = pytest.mark.cluster


def service(**spec: Any) -> Ask:
    return SERVICES.create(SERVICES.object("s", spec={"ports": [{"port": 80}], **spec}), dryRun="All").roughly()


def named(name: str) -> Ask:
    return service(type="ExternalName", externalName=name)


def owned(**owner: str) -> Ask:
    whole = {"kind": "Pod", "name": "x", "uid": "u", **owner}
    return CONFIG_MAPS.create(config_map(metadata={"ownerReferences": [whole]}), dryRun="All").roughly()


def docker(kind: str, text: str) -> Ask:
    data = {f".{kind}": base64.b64encode(text.encode()).decode()}
    return SECRETS.create(SECRETS.object("s", type=f"kubernetes.io/{kind}", data=data), dryRun="All").roughly()


def annotated(**annotations: str) -> Ask:
    template = deployment()["spec"]["template"]
    told = {**template, "metadata": {**template["metadata"], "annotations": annotations}}
    return DEPLOYMENTS.create(deployment(template=told), dryRun="All").roughly()


def finalized(*finalizers: str) -> Ask:
    return NAMESPACES.create(NAMESPACES.object("${ns}-more", spec={"finalizers": list(finalizers)}), dryRun="All")


SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "Services": (
        *(service(ports=[{"port": 80, "appProtocol": name}]) for name in ("a b", "a/b/c")),
        *(named(name) for name in ("a..b", "", "A.b", ".")),
        *(service(externalIPs=[address]) for address in ("x", "127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1")),
        service(loadBalancerSourceRanges=["10.0.0.0/8"]),
        service(healthCheckNodePort=5),
        service(trafficDistribution="Far"),
    ),
    "owners": (
        *(owned(apiVersion=version) for version in ("a/b/c", "/", "a/", "")),
        owned(apiVersion="v1", kind="Event"),
    ),
    "credentials": tuple(
        docker(kind, text) for kind in ("dockerconfigjson", "dockercfg") for text in ("x", "[]", "", "{}", "null")
    ),
    "annotations of a template": (annotated(**{"x y": "1"}), annotated(**{"a/b/c": "1"})),
    "finalizers of a namespace": (
        *(finalized(name).roughly() for name in ("x", "a b", "a.b/c d")),
        *(finalized(name).show("spec", "status") for name in ("a.b/c", "orphan", "kubernetes")),
    ),
    "metadata": (
        CONFIG_MAPS.create(config_map(metadata={"generation": -1}), dryRun="All").roughly(),
        CONFIG_MAPS.create(
            config_map(metadata={"finalizers": ["orphan", "foregroundDeletion"]}), dryRun="All"
        ).roughly(),
    ),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_wrong_parts(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
