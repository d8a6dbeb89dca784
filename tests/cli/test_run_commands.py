"""`chaos-gate runs`, `show`, `mode`, `abort` and `override`, as somebody types them."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from gate.cli import cli
from gate.cluster.mode import CONFIG_MAP
from gate.cluster.runs import Runs
from gate.errors import Permanent, Temporary
from gate.model import Reason, Verdict
from gate.running.judge import judge
from gate.wire.overriding import reverted_by_hand
from gate.wire.reaping import reap
from tests.grounds import Ground
from tests.running.simulation import Simulation
from tests.runs import FAILED, REFUSED, created, found, left_behind


class Line:
    """A command line with the kubeconfig of a ground."""

    def __init__(self, ground: Ground) -> None:
        self._runner = CliRunner(env={"KUBECONFIG": str(ground.kubeconfig), "CHAOS_GATE_NAMESPACE": ""})

    def __call__(self, *words: str, ends: int = 0) -> str:
        result = self._runner.invoke(cli, words, catch_exceptions=False)
        assert result.exit_code == ends, result.output
        return result.output


@pytest.fixture
def line(cluster: Ground) -> Line:
    return Line(cluster)


def events(cluster: Ground, namespace: str, reason: str) -> list[dict[str, Any]]:
    return [each for each in cluster.api.list("events", namespace)[0] if each.get("reason") == reason]


def test_runs_names_each_run_and_what_it_could_not_take_back_and_then_exits_1(
    cluster: Ground, namespace: str, line: Line
) -> None:
    created(cluster.api, namespace, "waits")
    assert "waits" in line("runs", "-n", namespace)
    left_behind(cluster.api, namespace)
    said = line("runs", "--namespace", namespace, ends=1)
    assert {row.split()[0] for row in said.splitlines()} == {"RUN", f"{namespace}/left", f"{namespace}/waits"}
    assert f"of-another-release of Deployment {namespace}/web could not be taken back and still is in force" in said
    assert REFUSED in said
    items = json.loads(line("runs", "--namespace", namespace, "--output", "json", ends=1))["items"]
    assert {item["name"]: bool(item["unreverted"]) for item in items} == {"waits": False, "left": True}


def test_show_tells_the_story_of_a_run_and_what_is_left(cluster: Ground, namespace: str, line: Line) -> None:
    name = f"left-in-{namespace}"
    left_behind(cluster.api, namespace, name)
    said = line("show", f"{namespace}/{name}")
    assert f"of-another-release of Deployment {namespace}/web in step one: in force" in said
    assert f"NOT TAKEN BACK: of-another-release of Deployment {namespace}/web" in said
    assert json.loads(line("show", name, "--output", "json"))["phase"] == "Executed"


def test_a_name_that_nothing_has_is_refused_in_one_line(line: Line) -> None:
    with pytest.raises(Permanent, match="there is no ChaosRun nothing/such; chaos-gate runs lists them all"):
        line("abort", "nothing/such")
    with pytest.raises(Permanent, match="nor is there a gate of a workload"):
        line("show", "nothing/such")


def test_the_mode_is_set_where_there_was_none_and_said(cluster: Ground, namespace: str, line: Line) -> None:
    with pytest.raises(Permanent, match=f"ConfigMap {namespace}/{CONFIG_MAP} must hold mode: .* it is not there"):
        line("mode", "-n", namespace)
    assert line("mode", "drain", "-n", namespace).strip() == "drain"
    assert line("mode", "abort", "-n", namespace).strip() == "abort"
    assert json.loads(line("mode", "-n", namespace, "--output", "json"))["mode"] == "abort"
    assert "is not one of" in line("mode", "stop", "-n", namespace, ends=2)


def test_abort_tells_a_run_to_stop_and_no_run_that_is_over(cluster: Ground, namespace: str, line: Line) -> None:
    created(cluster.api, namespace, "waits")
    left_behind(cluster.api, namespace)
    line("abort", f"{namespace}/waits")
    assert found(cluster.api, namespace, "waits").abort is Reason.ABORTED
    with pytest.raises(Permanent, match="is over: Executed"):
        line("abort", f"{namespace}/left")


def test_what_a_person_put_back_is_recorded_and_lets_the_run_go_with_the_verdict_that_it_had(
    cluster: Ground, namespace: str, line: Line
) -> None:
    api = cluster.api
    before = left_behind(api, namespace)
    assert judge(before.spec, before.status.evidence)[0] == FAILED
    Runs(api).save_verdict(before, FAILED, 0)
    assert any(namespace in said for said in reap(api)[1]), "nobody can take it back"
    line("override", "--reverted-by-hand", f"{namespace}/left", "--reason", "scaled back, INC-4711")
    after = found(api, namespace, "left")
    (override,) = after.status.overrides
    assert (override.reason, override.undo) == ("scaled back, INC-4711", ("one/web",))
    assert override.who == api.user() != "nobody"
    assert override.who in after.status.timeline[-1].what
    assert not after.guarded
    assert (after.status.verdict, after.status.reason) == (Verdict.ERRORED, Reason.REVERT_FAILED)
    assert judge(after.spec, after.status.evidence)[0].reason is Reason.REVERT_FAILED
    assert not any(namespace in said for said in reap(api)[1])
    assert [each["count"] for each in events(cluster, namespace, "RevertedByHand")] == [1]
    line("runs", "--namespace", namespace)


def test_what_is_not_in_force_cannot_be_overridden(cluster: Ground, namespace: str, line: Line) -> None:
    created(cluster.api, namespace, "waits")
    with pytest.raises(Permanent, match="has nothing left to take back"):
        line("override", "--reverted-by-hand", f"{namespace}/waits", "--reason", "because")
    assert "Missing option '--reason'" in line("override", "--reverted-by-hand", "waits", ends=2)


def test_a_run_that_somebody_executes_is_not_overridden(cluster: Ground, namespace: str) -> None:
    before = left_behind(cluster.api, namespace)
    metadata = {"name": "left", "namespace": namespace}
    spec = {"holderIdentity": "somebody", "leaseDurationSeconds": 3600}
    cluster.api.create("leases", namespace, {"metadata": metadata, "spec": spec})
    with pytest.raises(Temporary, match=f"chaos-gate abort {namespace}/left ends it"):
        reverted_by_hand(cluster.api, before, "because", Simulation())
    assert found(cluster.api, namespace, "left") == before
