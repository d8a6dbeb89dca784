"""`chaos-gate override SERVICE`: who lets a version through is known, what they say stands in the gate, and no more."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gate.cli import cli
from gate.cluster.api import Api
from gate.cluster.gates import MOST_OVERRIDES, Gates
from gate.errors import Denied, Permanent
from gate.model import Gate, GateStatus, Phase, Reason, RunEntry, Verdict, Workload, WorkloadKind, WorkloadName
from gate.wire.letting_through import let_through
from tests.grounds import Ground
from tests.policies import in_force

Line = Callable[..., str]
Json = Any
HOUR = timedelta(hours=1)
CHART = Path(__file__).parents[2] / "charts" / "chaos-gate" / "overrides.yaml"


@pytest.fixture
def gate(cluster: Ground, namespace: str) -> Gate:
    """The version `v1` of its workload has failed."""
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="web")
    workload = Workload(name=name, uid="00000000-0000-0000-0000-000000000000")
    # Without an owner: the garbage collector of a real cluster would take away what belongs to nobody.
    metadata = {"name": "deployment-web", "namespace": namespace}
    spec = {"workload": {"kind": "Deployment", "name": "web", "uid": workload.uid}}
    body = {"apiVersion": "chaosgate.dev/v1alpha1", "kind": "ChaosGate", "metadata": metadata, "spec": spec}
    cluster.api.create("chaosgates", namespace, body)
    gates = Gates(cluster.api)
    run = RunEntry(name="r", workflow="w", subscriptions=("web",), verdict=Verdict.FAILED)
    failed = GateStatus(phase=Phase.CLOSED, verdict=Verdict.FAILED, reason=Reason.PROBE_FAILED, version="v1")
    return gates.save(found(cluster.api, name), replace(failed, runs=(run,)))


def found(api: Api, name: WorkloadName) -> Gate:
    gate = Gates(api).get(name)
    assert gate is not None
    return gate


@pytest.fixture
def line(cluster: Ground) -> Line:
    def say(*words: str, ends: int = 0) -> str:
        runner = CliRunner(env={"KUBECONFIG": str(cluster.kubeconfig)})
        result = runner.invoke(cli, words, catch_exceptions=False)
        assert result.exit_code == ends, result.output
        return result.output

    return say


def test_what_a_person_lets_through_stands_in_the_gate_with_who_when_why_and_until(
    cluster: Ground, gate: Gate, line: Line
) -> None:
    where = f"{gate.namespace}/web"
    said = line("override", where, "--version", "v1", "--until", "4h", "--reason", "hotfix, INC-4711")
    assert "is overridden by" in said
    (override,) = found(cluster.api, gate.workload.name).overrides
    assert (override.version, override.reason) == ("v1", "hotfix, INC-4711")
    assert override.who == cluster.api.user() != "nobody"
    assert override.until - override.at == 4 * HOUR
    after = found(cluster.api, gate.workload.name).status
    assert (after.phase, after.verdict, after.reason) == (Phase.CLOSED, Verdict.FAILED, Reason.PROBE_FAILED)
    assert "INC-4711" in line("show", where)


def test_a_second_word_stands_behind_the_first_and_takes_nothing_away(cluster: Ground, gate: Gate, line: Line) -> None:
    for until in ("4h", "0s"):
        line("override", f"{gate.namespace}/web", "--version", "v1", "--until", until, "--reason", f"for {until}")
    assert [each.reason for each in found(cluster.api, gate.workload.name).overrides] == ["for 4h", "for 0s"]


def test_a_gate_keeps_so_many_words_and_no_more(cluster: Ground, gate: Gate) -> None:
    for number in range(MOST_OVERRIDES + 2):
        let_through(cluster.api, gate, "v1", f"because {number}", HOUR)
    reasons = [each.reason for each in found(cluster.api, gate.workload.name).overrides]
    assert reasons == [f"because {number}" for number in range(2, MOST_OVERRIDES + 2)]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--version", "v2", "--until", "4h"), r"knows no version v2; in question is v1 \(FAILED\)"),
        (("--version", "v1", "--until", "8d"), "--until 8d is more than 7d"),
        (("--version", "v1", "--until", "4h", "--kind", "StatefulSet"), "there is no gate of a workload StatefulSet"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_is_there(
    cluster: Ground, gate: Gate, line: Line, words: tuple[str, ...], why: str
) -> None:
    with pytest.raises(Permanent, match=why):
        line("override", f"{gate.namespace}/web", "--reason", "because", *words)
    assert found(cluster.api, gate.workload.name).overrides == ()


def test_an_override_without_a_version_or_an_end_is_none(line: Line) -> None:
    for words in (("--version", "v1"), ("--until", "4h"), ("--reverted-by-hand", "a/b")):
        line("override", "shop/web", "--reason", "because", *words, ends=2)


def test_who_may_not_write_the_gate_may_not_override_and_reads_who_can_change_that(
    cluster: Ground, gate: Gate, tmp_path: Path
) -> None:
    made = {"metadata": {"name": "developer"}}
    assert cluster.ask("POST", f"/api/v1/namespaces/{gate.namespace}/serviceaccounts", made).status_code == 201
    who = f"system:serviceaccount:{gate.namespace}:developer"
    bound = {
        "metadata": {"name": "reads"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"},
        "subjects": [{"kind": "ServiceAccount", "name": "developer", "namespace": gate.namespace}],
    }
    rules = [{"apiGroups": ["chaosgate.dev"], "resources": ["chaosgates"], "verbs": ["get", "list"]}]
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{gate.namespace}"
    assert cluster.ask("POST", f"{rbac}/roles", {"metadata": {"name": "reads"}, "rules": rules}).status_code == 201
    assert cluster.ask("POST", f"{rbac}/rolebindings", bound).status_code == 201
    developer = Api.from_environment(str(cluster.kubeconfig_of(gate.namespace, "developer", tmp_path)))
    with pytest.raises(Denied, match=f"{who} may not override in {gate.namespace}; .* --clusterrole chaos-gate-over"):
        let_through(developer, gate, "v1", "because", HOUR)


def rewritten(cluster: Ground, gate: Gate) -> list[Json]:
    """What is said in the gate, in lists that say something else: turned, cut, empty, changed, with a word between."""
    said = spoken(cluster, gate)
    late = {**said[-1], "reason": "the last is not the newest"}
    return [[*said[:-2], late, said[-2]], [late, *said[:-1]], said[:-1], said[2:], [], [*said[:-1], late]]


def spoken(cluster: Ground, gate: Gate) -> Json:
    return cluster.ask("GET", where(gate)).json()["spec"]["overrides"]


def refusal(cluster: Ground, gate: Gate, overrides: Json) -> str:
    """What the cluster says to these in place of what is there; empty if it takes them."""
    body = {"spec": {"overrides": overrides}}
    answer = cluster.ask("PATCH", f"{where(gate)}?dryRun=All", body, media="application/merge-patch+json")
    return "" if answer.ok else answer.text


def where(gate: Gate) -> str:
    return f"/apis/chaosgate.dev/v1alpha1/namespaces/{gate.namespace}/chaosgates/{gate.name}"


@pytest.mark.parametrize("cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True)
def test_with_the_policy_of_the_chart_nobody_writes_an_override_in_somebody_elses_name(
    cluster: Ground, gate: Gate, tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    gates, name = Gates(cluster.api), gate.workload.name
    mine, number = let_through(cluster.api, gate, "v1", "because", HOUR), itertools.count()

    def forged_is_refused() -> bool:
        try:
            # Each is another one: what stood there before the policy was in force is nobody's to complain about.
            forged = replace(mine, who="somebody-else", reason=f"forged {next(number)}")
            gates.override(found(cluster.api, name), forged)
        except (Denied, Permanent) as error:
            return "spec.overrides names somebody else than who writes it" in str(error)
        return False

    with in_force(cluster, CHART, gate.namespace, tmp_path):
        eventually(forged_is_refused)
        before = found(cluster.api, name).overrides
        let_through(cluster.api, gate, "v1", "once more", HOUR)
        assert found(cluster.api, name).overrides[:-1] == before[-MOST_OVERRIDES + 1 :]
        let_through(cluster.api, gate, "v1", "no longer", timedelta(0))
        for changed in rewritten(cluster, gate):
            assert "spec.overrides may only be added to, at its end" in refusal(cluster, gate, changed), changed
        reasons = [f"again {time}" for time in range(MOST_OVERRIDES)]
        for reason in reasons:  # the oldest go
            let_through(cluster.api, gate, "v1", reason, HOUR)
        assert [each.reason for each in found(cluster.api, name).overrides] == reasons
        for changed in rewritten(cluster, gate):
            assert "spec.overrides may only be added to, at its end" in refusal(cluster, gate, changed), changed
        cluster.kubectl("label", "chaosgate", gate.name, "touched=yes", "--namespace", gate.namespace)
