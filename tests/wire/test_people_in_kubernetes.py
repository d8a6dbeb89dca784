"""The people of a policy in a cluster: what `chaos-gate policy rights` prints lets them do what they may, no more."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.wire.people import manifests
from gate.wire.policies import parsed
from tests.grounds import Ground
from tests.runs import created, spec

Eventually = Callable[[Callable[[], object]], None]
POLICY = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Policy
metadata: {{name: p}}
spec:
  ownership: [{{team: red, paths: [red/*], namespaces: [{namespace}]}}]
  people:
    - {{role: viewer, groups: [{namespace}-all]}}
    - {{role: developer, team: red, groups: [{namespace}-red]}}
    - {{role: sre, groups: [{namespace}-sre]}}
"""


@contextmanager
def applied(ground: Ground, namespace: str, folder: Path, kinds: Callable[[str], bool]) -> Iterator[None]:
    """The gate's own namespace is the same one here."""
    made = manifests(parsed(POLICY.format(namespace=namespace).encode(), "p"), namespace, [])
    manifest = folder / "people.yaml"
    manifest.write_text(yaml.safe_dump_all(each for each in made if kinds(each["kind"])))
    ground.kubectl("apply", "-f", str(manifest))
    try:
        yield
    finally:
        ground.kubectl("delete", "-f", str(manifest))


def allowed(ground: Ground, group: str, method: str, path: str, body: Any = None) -> bool:
    """Whether somebody of the group may; what is allowed may be wrong or not there all the same."""
    headers = {"Impersonate-User": "jane", "Impersonate-Group": group}
    if method == "PATCH":
        headers["Content-Type"] = "application/merge-patch+json"
    return bool(ground.ask(method, path, body, headers=headers).status_code != 403)


def test_each_may_what_the_policy_says_and_no_more(
    cluster: Ground, namespace: str, tmp_path: Path, eventually: Eventually
) -> None:
    cluster.api.create("configmaps", namespace, {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": "run"}})
    run = created(cluster.api, namespace, "run")
    ours, there = "/apis/chaosgate.dev/v1alpha1/namespaces/", f"/apis/chaosgate.dev/v1alpha1/namespaces/{namespace}"
    note = {"metadata": {"annotations": {"a": "b"}}}
    deeds = {
        "look": ("GET", f"{there}/chaosruns", None),
        "look elsewhere": ("GET", f"{ours}default/chaosgates", None),
        "run": ("POST", f"{there}/chaosruns", {}),
        "run elsewhere": ("POST", f"{ours}default/chaosruns", {}),
        "abort": ("PATCH", f"{there}/chaosruns/{run.name}", note),
        "override": ("PATCH", f"{there}/chaosgates/none", note),
        "mode": ("PATCH", f"/api/v1/namespaces/{namespace}/configmaps/chaos-gate-mode", note),
        "kill": ("DELETE", f"/api/v1/namespaces/{namespace}/pods/none", None),
    }

    def may(group: str) -> set[str]:
        return {name for name, asked in deeds.items() if allowed(cluster, f"{namespace}-{group}", *asked)}

    looking = {"look", "look elsewhere"}
    with applied(cluster, namespace, tmp_path, lambda kind: not kind.startswith("Validating")):
        eventually(lambda: may("sre") == looking | {"run", "run elsewhere", "abort", "override", "mode"})
        assert may("all") == looking
        assert may("red") == looking | {"run", "abort"}
        assert may("strangers") == set()


@pytest.mark.parametrize("cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True)
def test_whoever_may_abort_may_change_nothing_else_of_a_run(
    cluster: Ground, namespace: str, tmp_path: Path, eventually: Eventually
) -> None:
    run = created(cluster.api, namespace, "run", spec(namespace))
    path = f"/apis/chaosgate.dev/v1alpha1/namespaces/{namespace}/chaosruns/{run.name}"
    abort = {"metadata": {"annotations": {"chaosgate.dev/abort": "Aborted"}}}

    def patched(body: Any) -> str:
        headers = {
            "Impersonate-User": "jane",
            "Impersonate-Group": f"{namespace}-red",
            "Content-Type": "application/merge-patch+json",
        }
        answer = cluster.ask("PATCH", path, body, headers=headers)
        return "" if answer.status_code == 200 else answer.text

    with applied(cluster, namespace, tmp_path, lambda _: True):
        seeds = (
            itertools.count()
        )  # until the policy is in force a change is taken, and the same one again changes nothing
        eventually(lambda: "nothing else of it may be changed" in patched({"spec": {"seed": str(next(seeds))}}))
        assert "nothing else" in patched({"metadata": {"finalizers": ["example.org/mine"]}})
        eventually(lambda: patched(abort) == "")
