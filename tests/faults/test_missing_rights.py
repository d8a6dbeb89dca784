"""Whoever may not take a fault back does not begin it: a run that was denied would hold its namespace for ever."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.cluster.api import Api
from gate.errors import Denied
from gate.sandbox.kubernetes.serving.connection import BEARER_PATH
from tests.faults.application import Application
from tests.faults.cases import CASES

UNBOUND = ("copy", "cpu-stress", "disk-fill", "job", "memory-stress")
"""Faults that need a right that is bound nowhere by itself, and need it to be taken back as well."""
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def limited(web: Application, tmp_path: Path) -> Api:
    """A client that may see the pods of the namespace, and nothing else."""
    ground, place = web.ground, f"{RBAC}/namespaces/{web.namespace}"
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "sees"}
    who = [{"kind": "ServiceAccount", "name": "limited", "namespace": web.namespace}]
    for resource, body in (("roles", {"rules": rules}), ("rolebindings", {"roleRef": role, "subjects": who})):
        made = ground.ask("POST", f"{place}/{resource}", body | {"metadata": {"name": "sees"}})
        assert made.status_code == 201, made.text
    accounts = f"/api/v1/namespaces/{web.namespace}/serviceaccounts"
    made = ground.ask("POST", accounts, {"metadata": {"name": "limited"}})
    assert made.status_code == 201, made.text
    said: dict[str, Any] = ground.ask("POST", f"{accounts}/limited/token", {}).json()
    config = yaml.safe_load(ground.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = ground.url.partition(BEARER_PATH)[0]
    config["users"][0]["user"] = {"token": said["status"]["token"]}
    kubeconfig = tmp_path / "limited.kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    return Api.from_environment(str(kubeconfig))


@pytest.mark.parametrize("kind", UNBOUND)
def test_what_could_not_be_taken_back_is_not_planned(kind: str, web: Application, limited: Api) -> None:
    fault, settings = CASES[kind]
    pod = web.pods()[0]
    web.eventually(lambda: sees(limited, web.namespace, pod.name))
    with pytest.raises(Denied, match="forbidden"):
        web.plan(fault, by=limited, **settings)


def sees(api: Api, namespace: str, pod: str) -> bool:
    try:
        return api.get("pods", namespace, pod) is not None
    except Denied:
        return False
