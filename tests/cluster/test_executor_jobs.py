"""The Job that executes a run: made once, nobody else's, with the team's account, and gone with its run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gate.cluster.api import Api
from gate.cluster.executor_jobs import AFTERWARDS, CREDENTIALS, ExecutorJobs, Outfit, job_for, name_of
from gate.cluster.runs import run_from
from gate.errors import Permanent
from gate.model import Run
from tests.cluster.test_reaping import SPEC_OF_A_RUN
from tests.grounds import Ground

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OUTFIT = Outfit(image="web:1", account="default", environment={"CHAOS_GATE_NAMESPACE": "gate"})
Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def run(cluster: Ground, namespace: str) -> Run:
    """One that nobody executes; it is named like a long one."""
    body: dict[str, Any] = {
        "apiVersion": "chaosgate.dev/v1alpha1",
        "kind": "ChaosRun",
        "metadata": {"name": f"deployment-{'checkout.' * 8}1"},
        "spec": SPEC_OF_A_RUN,
    }
    return run_from(cluster.api.create("chaosruns", namespace, body))


@pytest.fixture
def jobs(cluster: Ground) -> ExecutorJobs:
    return ExecutorJobs(cluster.api, OUTFIT, lambda: NOW)


def found(api: Api, run: Run, number: int) -> dict[str, Any]:
    item = api.get("jobs", run.namespace, name_of(run, number))
    assert item is not None
    return item


def test_making_one_twice_is_making_it_once(cluster: Ground, run: Run, jobs: ExecutorJobs) -> None:
    jobs.make(run, 1)
    uid = found(cluster.api, run, 1)["metadata"]["uid"]
    jobs.make(run, 1)
    assert [(each.number, each.uid) for each in jobs.of(run)] == [(1, uid)]


def test_it_runs_the_command_for_this_run_as_the_account_of_the_team_and_tries_once(
    cluster: Ground, run: Run, jobs: ExecutorJobs
) -> None:
    jobs.make(run, 2)
    spec = found(cluster.api, run, 2)["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert (spec["backoffLimit"], pod["restartPolicy"], pod["serviceAccountName"]) == (0, "Never", "default")
    assert (container["image"], container["args"]) == ("web:1", ["execute", f"{run.namespace}/{run.name}"])
    assert container["env"] == [{"name": "CHAOS_GATE_NAMESPACE", "value": "gate"}]
    assert spec["activeDeadlineSeconds"] == (run.spec.deadline - NOW + AFTERWARDS).total_seconds()


def test_it_is_its_runs(cluster: Ground, run: Run, jobs: ExecutorJobs) -> None:
    """The garbage collector of a real control plane takes up to a minute to know of custom resources as owners."""
    jobs.make(run, 1)
    (owner,) = found(cluster.api, run, 1)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("ChaosRun", run.name, run.uid)


@pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
def test_it_goes_with_its_run(cluster: Ground, run: Run, jobs: ExecutorJobs, eventually: Eventually) -> None:
    jobs.make(run, 1)
    cluster.api.delete("chaosruns", run.namespace, run.name, uid=run.uid)
    eventually(lambda: cluster.api.get("jobs", run.namespace, name_of(run, 1)) is None)


def test_one_that_is_removed_takes_its_pods_along(
    cluster: Ground, run: Run, jobs: ExecutorJobs, eventually: Eventually
) -> None:
    jobs.make(run, 1)
    (made,) = jobs.of(run)
    jobs.remove(run, made)
    eventually(lambda: jobs.of(run) == [])
    eventually(lambda: not cluster.api.list("pods", run.namespace)[0])


def test_the_job_of_somebody_else_is_not_taken_for_it(cluster: Ground, run: Run, jobs: ExecutorJobs) -> None:
    theirs = job_for(replace(run, uid="another"), 1, OUTFIT, NOW)
    theirs["metadata"] |= {"name": name_of(run, 1), "ownerReferences": None}
    theirs["spec"]["suspend"] = True
    cluster.api.create("jobs", run.namespace, theirs)
    with pytest.raises(Permanent, match="is somebody else's"):
        jobs.make(run, 1)
    assert jobs.of(run) == []


def test_a_run_of_long_ago_still_has_its_time_to_be_taken_back(cluster: Ground, run: Run) -> None:
    late = ExecutorJobs(cluster.api, OUTFIT, lambda: run.spec.deadline + timedelta(days=1))
    late.make(run, 1)
    assert found(cluster.api, run, 1)["spec"]["activeDeadlineSeconds"] == AFTERWARDS.total_seconds()


def test_secrets_for_probes_are_those_of_its_own_namespace_if_there_are_any(cluster: Ground, run: Run) -> None:
    ExecutorJobs(cluster.api, replace(OUTFIT, credentials=True), lambda: NOW).make(run, 1)
    pod = found(cluster.api, run, 1)["spec"]["template"]["spec"]
    (volume,) = pod["volumes"]
    assert (volume["secret"]["secretName"], volume["secret"]["optional"]) == (CREDENTIALS, True)
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert mount["mountPath"].endswith(f"/{run.namespace}")
    assert {"name": "CHAOS_GATE_CREDENTIALS", "value": mount["mountPath"].rpartition("/")[0]} in pod["containers"][0][
        "env"
    ]


def test_one_that_hands_its_evidence_in_has_a_token_for_the_gate_alone_and_a_place_to_write(
    cluster: Ground, run: Run
) -> None:
    ExecutorJobs(cluster.api, replace(OUTFIT, hands_in=True), lambda: NOW).make(run, 1)
    pod = found(cluster.api, run, 1)["spec"]["template"]["spec"]
    token, place = pod["volumes"]
    (source,) = token["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "chaos-gate"
    assert place["emptyDir"] == {}
    told = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    mounts = {each["name"]: each for each in pod["containers"][0]["volumeMounts"]}
    assert told["CHAOS_GATE_EVIDENCE_TOKEN_FILE"] == f"{mounts[token['name']]['mountPath']}/token"
    assert told["CHAOS_GATE_EVIDENCE"] == mounts[place["name"]]["mountPath"]
    assert [bool(mounts[each["name"]].get("readOnly")) for each in (token, place)] == [True, False]
