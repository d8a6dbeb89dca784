"""The rights that operators give to the gate: the manifest, the page about it, and the sandbox that enforces them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.cluster.api import Api
from gate.errors import Denied
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.resources import NAMESPACES, Resource
from gate.sandbox.kubernetes.users import User
from gate.sandbox.shipped import crds, rights

ROOT = Path(__file__).parents[2]
GATE = User.service_account("chaos-gate", "chaos-gate").name


@pytest.fixture
def cluster() -> Iterator[Kubernetes]:
    """With our custom resources and the gate's rights."""
    with Kubernetes(crds=crds()) as running:
        running.store.create(NAMESPACES, {"metadata": {"name": "chaos-gate"}})
        for manifest in yaml.safe_load_all(rights().read_text()):
            running.store.create(row_of(running, manifest), manifest)
        yield running


def row_of(cluster: Kubernetes, manifest: dict[str, Any]) -> Resource:
    row = cluster.store.registry.of_kind(manifest["apiVersion"], manifest["kind"])
    assert row is not None
    return row


def gate(cluster: Kubernetes, folder: Path) -> Api:
    """The product's client, as the gate's service account."""
    config = folder / "kubeconfig"
    config.write_text(cluster.kubeconfig(cluster.token_for(GATE)))
    return Api.from_environment(str(config))


def granted() -> set[tuple[str, str, str]]:
    """(API group, resource, verb) of the manifest."""
    manifests = list(yaml.safe_load_all(rights().read_text()))
    rules = [rule for manifest in manifests for rule in manifest.get("rules", ())]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def told() -> set[tuple[str, str, str]]:
    """The same, of the table for operators."""
    page = (ROOT / "docs" / "operators.md").read_text()
    table = page.partition("### Rights in Kubernetes")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (core|`[\w.]+`) \| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    found, before = set(), ""
    for group, resources, verbs in rows:
        before = before if verbs == "the same" else verbs
        for resource in re.findall(r"`([\w/]+)`", resources):
            for verb in set(re.findall(r"[a-z]+", before)) & {"get", "list", "watch", "create", "patch", "delete"}:
                found.add(("" if group == "core" else group.strip("`"), resource, verb))
    return found


def test_the_page_for_operators_tells_the_rights_that_the_manifest_gives() -> None:
    assert told() == granted()


def test_the_gate_reads_and_writes_what_is_its_own(cluster: Kubernetes, tmp_path: Path) -> None:
    api = gate(cluster, tmp_path)
    api.create("configmaps", "chaos-gate", {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": "run"}})
    assert api.get("configmaps", "chaos-gate", "chaos-gate-mode")
    assert api.list("chaosruns")[0] == []


@pytest.mark.parametrize(("namespace", "name"), [("default", "chaos-gate-mode"), ("chaos-gate", "other")])
def test_the_gate_reads_no_other_config_map(cluster: Kubernetes, tmp_path: Path, namespace: str, name: str) -> None:
    with pytest.raises(Denied, match='cannot get resource "configmaps"'):
        gate(cluster, tmp_path).get("configmaps", namespace, name)


def test_a_right_that_was_forgotten_is_missed_here(cluster: Kubernetes, tmp_path: Path) -> None:
    api = gate(cluster, tmp_path)
    api.list("pods")
    role = next(each for each in yaml.safe_load_all(rights().read_text()) if each["kind"] == "ClusterRole")
    for rule in role["rules"]:
        if rule["resources"] == ["pods"]:
            rule["verbs"].remove("list")
    cluster.store.update(row_of(cluster, role), role)
    with pytest.raises(Denied, match='cannot list resource "pods" in API group "" at the cluster scope'):
        api.list("pods")
