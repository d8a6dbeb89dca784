"""Who may read what the gate says is whoever may read the same in Kubernetes, there or wherever the gate looks."""

from collections.abc import Callable

import pytest

from gate.cluster.callers import AUDIENCE
from gate.errors import Denied
from gate.web.views import Readable
from gate.wire.reading import KnownReaders
from tests.grounds import Ground

RBAC = "/apis/rbac.authorization.k8s.io/v1"
Eventually = Callable[[Callable[[], object]], None]


def token(cluster: Ground, namespace: str) -> str:
    """Of an account that may list gates in that namespace, and nothing else."""
    rules = [{"apiGroups": ["chaosgate.dev"], "resources": ["chaosgates"], "verbs": ["list"]}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subjects = [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}]
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    for path, body in (
        (accounts, {}),
        (f"{RBAC}/namespaces/{namespace}/roles", {"rules": rules}),
        (f"{RBAC}/namespaces/{namespace}/rolebindings", {"roleRef": role, "subjects": subjects}),
    ):
        made = cluster.ask("POST", path, {"metadata": {"name": "reader"}, **body})
        assert made.status_code == 201, made.text
    told = cluster.ask("POST", f"{accounts}/reader/token", {"spec": {"audiences": [AUDIENCE]}})
    assert told.status_code == 201, told.text
    return str(told.json()["status"]["token"])


def test_a_reader_of_one_namespace_reads_of_that_and_of_a_gate_that_is_only_for_it(
    cluster: Ground, namespace: str, eventually: Eventually
) -> None:
    shown, everywhere = token(cluster, namespace), KnownReaders(cluster.api, ())

    def may_read() -> bool:
        try:
            everywhere.insist(shown, Readable.GATES, namespace)
        except Denied:
            return False
        return True

    eventually(may_read)  # rights are known a moment after they were given
    KnownReaders(cluster.api, (namespace,)).insist(shown, Readable.GATES, "")
    for readers, what, where in (
        (everywhere, Readable.GATES, ""),
        (everywhere, Readable.GATES, "default"),
        (everywhere, Readable.RUNS, namespace),
        (KnownReaders(cluster.api, (namespace, "default")), Readable.GATES, ""),
    ):
        with pytest.raises(Denied, match="reader may not list chaos"):
            readers.insist(shown, what, where)
