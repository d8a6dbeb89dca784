"""The gate with everything around it failing: nothing is lost, nothing stays broken, nothing passes by mistake."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.sandbox.demo.stage import CATALOGUE, PROJECT, Stage
from tests.demo.playing import KILL, QUICK, SUBSCRIPTION, Play
from tests.demo.relay import Relay

pytestmark = pytest.mark.demo
"""What has a twin that needs no stage, in the rooms that it is about, carries `thorough` as well."""


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    with Stage(tmp_path) as stage:
        made = Play(stage)
        made.until("the gate knows checkout", lambda: made.gate().get("recorded"))
        stage.team.commit(CATALOGUE, "change", {"workflows/quick.yaml": KILL})
        made.document("subscriptions/checkout.yaml", SUBSCRIPTION % "checkout")
        yield made
        made.close()


def test_while_gitlab_and_git_are_away_the_verdict_waits_in_the_gate(play: Play) -> None:
    sha = play.commit()
    pipeline = play.pipeline(sha)
    play.stage.gitlab.stop()
    play.until("git is known to be away", lambda: play.readyz().get("problems", {}).get("catalogue"))
    play.upgrade("1.1", sha, pipeline)
    play.until("judged", lambda: play.gate().get("verdict") == "PASSED")
    play.until("told that GitLab is away", lambda: play.gate().get("gitlab", {}).get("problem"))
    play.stage.gitlab.start()
    rows = play.until(
        "posted", lambda: [row for row in play.stage.team.statuses(PROJECT, sha) if row["status"] == "success"]
    )
    assert [row["pipeline_id"] for row in rows] == [pipeline]
    play.until("no problem is left", lambda: not play.gate()["gitlab"].get("problem"))


@pytest.mark.thorough
def test_a_gate_that_starts_while_git_is_away_uses_the_last_revision_that_was_fetched(play: Play) -> None:
    play.stage.gitlab.stop()
    before = play.stage.gate.starts
    os.kill(play.stage.gate.pid, signal.SIGKILL)
    play.until("started again", lambda: play.stage.gate.starts > before)
    play.upgrade("1.1")
    play.until("judged", lambda: play.gate().get("verdict") == "PASSED")
    assert len(play.runs()) == 1


@pytest.mark.thorough
def test_a_broken_document_closes_the_gate_and_the_version_is_judged_once_it_is_mended(play: Play) -> None:
    play.document("workflows/quick.yaml", KILL.replace("hold: 1s", "hold: 1"))
    play.until("the document is known to be broken", lambda: "workflows/quick.yaml:12" in json.dumps(play.readyz()))
    play.upgrade("1.1")
    closed = ("checkout:1.1", "BadDocument")
    play.until("closed", lambda: (play.gate().get("image"), play.gate().get("reason")) == closed)
    assert (play.gate()["phase"], play.gate()["verdict"]) == ("Closed", "ERRORED")
    assert "workflows/quick.yaml:12" in play.gate()["message"]
    assert play.runs() == []
    play.document("workflows/quick.yaml", KILL)
    play.until("judged", lambda: play.gate().get("verdict") == "PASSED")


def test_a_subscription_to_what_is_not_there_is_shown_and_the_others_go_on(play: Play) -> None:
    other = SUBSCRIPTION.replace("name: checkout}", "name: misspelt}", 1) % "chekcout"
    play.document("subscriptions/misspelt.yaml", other, "create")
    play.until("shown", lambda: "subscribes Deployment shop/chekcout" in json.dumps(play.readyz()))
    play.upgrade("1.1")
    play.until("judged", lambda: play.gate().get("verdict") == "PASSED")


def test_a_gate_that_is_killed_while_a_workload_is_scaled_to_zero_brings_it_back(play: Play) -> None:
    play.document("workflows/quick.yaml", QUICK % ("scale-to-zero", "30s"))
    play.upgrade("1.1")
    play.until("scaled to zero", lambda: play.replicas() == 0)
    os.kill(play.stage.gate.pid, signal.SIGKILL)
    play.until("back", lambda: play.replicas() == 3, seconds=40)
    play.until("judged", lambda: play.gate().get("verdict"))
    (run,) = play.runs()
    assert all(undo["reverted"] for undo in run["status"]["evidence"]["undo"])
    assert "chaosgate.dev/revert" not in run["metadata"].get("finalizers", [])


@pytest.mark.parametrize("how", [pytest.param("delete", marks=pytest.mark.thorough), "mode"])
def test_what_a_run_did_is_taken_back_when_a_person_stops_it(play: Play, how: str) -> None:
    play.document("workflows/quick.yaml", QUICK % ("scale-to-zero", "60s"))
    play.upgrade("1.1")
    play.until("scaled to zero", lambda: play.replicas() == 0)
    store = play.stage.kubernetes.store
    plural = {"delete": "chaosruns", "mode": "configmaps"}[how]
    resource = next(each for each in store.registry if each.plural == plural)
    if how == "delete":
        (run,) = play.runs()
        store.delete(resource, "shop", run["metadata"]["name"])
    else:
        store.patch(resource, "chaos-gate", "chaos-gate-mode", lambda item: {**item, "data": {"mode": "abort"}})
    play.until("back", lambda: play.replicas() == 3, seconds=10)
    play.until("closed", lambda: play.gate().get("verdict") == "CANCELED")
    assert play.gate()["reason"] == "Aborted"
    if how == "delete":
        play.until("gone", lambda: play.runs() == [])


@pytest.mark.thorough
def test_a_newer_version_takes_the_place_of_one_that_is_being_judged(play: Play) -> None:
    play.document("workflows/quick.yaml", QUICK % ("pod-kill", "60s"))
    first, second = play.commit("one"), play.commit("two")
    play.upgrade("1.1", first, play.pipeline(first))
    play.until("running", lambda: [run for run in play.runs() if (run.get("status") or {}).get("phase") == "Running"])
    play.document("workflows/quick.yaml", KILL)
    play.upgrade("1.2", second, play.pipeline(second))
    play.until("the newer one is judged", lambda: play.gate().get("verdict") == "PASSED")
    verdicts = {run["spec"]["version"]: run["status"]["verdict"] for run in play.runs()}
    assert sorted(verdicts.values()) == ["CANCELED", "PASSED"]
    assert verdicts[play.gate()["version"]] == "PASSED"

    def shown(sha: str) -> list[str]:
        return [row["status"] for row in play.stage.team.statuses(PROJECT, sha)]

    play.until("GitLab says so", lambda: (shown(first), shown(second)) == (["canceled"], ["success"]))


def test_while_the_api_server_is_away_the_gate_waits_and_loses_nothing(play: Play) -> None:
    port = int(play.stage.kubernetes.url.rpartition(":")[2])
    relay = Relay(port)
    relay.up()
    config = play.stage.gate_kubeconfig
    config.write_text(config.read_text().replace(f":{port}", f":{relay.port}"))
    before = play.stage.gate.starts
    os.kill(play.stage.gate.pid, signal.SIGKILL)
    play.until("started again behind the relay", lambda: play.stage.gate.starts > before and play.readyz().get("ready"))
    relay.down()
    play.until("known to be away", lambda: play.readyz().get("problems", {}).get("watch"))
    play.upgrade("1.1")
    relay.up()
    play.until("judged", lambda: play.gate().get("verdict") == "PASSED", seconds=90)
    assert len(play.runs()) == 1
    relay.close()


@pytest.mark.thorough
def test_without_any_gate_the_reaper_brings_a_workload_back(play: Play) -> None:
    play.document("workflows/quick.yaml", QUICK % ("scale-to-zero", "60s"))
    play.upgrade("1.1")
    play.until("scaled to zero", lambda: play.replicas() == 0)
    play.stage.gate.stop(signal.SIGKILL)

    def reaped() -> bool:
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", "reap"],
            env={**os.environ, "KUBECONFIG": str(play.stage.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.startswith("1 ")

    play.until("the lease of the dead gate is over", reaped, seconds=40)
    assert play.replicas() == 3
    (run,) = play.runs()
    assert "chaosgate.dev/revert" not in run["metadata"].get("finalizers", [])
