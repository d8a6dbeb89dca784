"""With the policy of the chart, a ChaosRun bears the name of whoever makes it, or is the gate's own."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gate.cluster.runs import SPEC
from tests.grounds import Ground
from tests.policies import in_force
from tests.runs import spec

CHART = Path(__file__).parents[2] / "charts" / "chaos-gate" / "by-hand.yaml"
GATE = "system:serviceaccount:chaos-gate:chaos-gate"


@pytest.mark.parametrize("cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True)
def test_nobody_but_the_gate_makes_a_run_in_somebody_elses_name_or_in_none(
    cluster: Ground, namespace: str, tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    number = itertools.count()

    def refusal(who: str, asked_by: str) -> str:
        """Why that person may not make such a run; empty if it is made. Each is another one."""
        body = {
            "apiVersion": "chaosgate.dev/v1alpha1",
            "kind": "ChaosRun",
            "metadata": {"name": f"run-{next(number)}"},
            "spec": SPEC.write_new(replace(spec(namespace), asked_by=asked_by)),
        }
        path = f"/apis/chaosgate.dev/v1alpha1/namespaces/{namespace}/chaosruns"
        headers = {"Impersonate-User": who, "Impersonate-Group": "system:masters"}
        made = cluster.ask("POST", path, body, headers=headers)
        return "" if made.status_code == 201 else made.text

    with in_force(cluster, CHART, namespace, tmp_path):
        eventually(lambda: "spec.askedBy does not name who makes this run" in refusal("jane", "joe"))
        assert "spec.askedBy does not name who makes this run" in refusal("jane", "")
        assert refusal("jane", "jane") == ""
        assert refusal(GATE, "") == ""
