"""The demo: two upgrades of the shop, played as a team would, and what must come of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gate.errors import GateError
from gate.sandbox.demo.result import upgrade_result
from gate.sandbox.demo.seeding import files_of
from gate.sandbox.demo.snapshot import Snapshot, snapshot, told
from gate.sandbox.demo.stage import PROJECT, STAGING, Stage
from gate.sandbox.demo.view import View
from gate.sandbox.shop import FOLDER

PATIENCE = 120.0
"""Seconds after which a part of the demo is given up."""
LOOK = 0.1
"""Seconds between two looks at the stage."""
DONE = {"success", "failed", "canceled", "skipped"}

GATES = "chaosgate.dev/v1alpha1/namespaces/shop/chaosgates"
RUNS = "chaosgate.dev/v1alpha1/namespaces/shop/chaosruns"
CHECKOUT = f"apps/v1/namespaces/{STAGING}/deployments/checkout"

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """One upgrade and what must come of it."""

    version: str
    message: str
    verdict: str
    reasons: frozenset[str | None]
    """The right reasons for the verdict."""
    production: str
    """What becomes of the production job."""


UPGRADES = (
    Upgrade(
        version="1.1",
        message="Try a failed call to the inventory again",
        verdict="PASSED",
        reasons=frozenset({None}),
        production="success",
    ),
    Upgrade(
        version="1.2",
        message="Keep the connection to the inventory, it is faster",
        verdict="FAILED",
        reasons=frozenset({"ProbeFailed", "RecoveryTooSlow"}),
        production="skipped",
    ),
)


class DemoFailed(GateError):
    """The demo came to no end; the text says where it stuck and what the gate had to say."""


def play(stage: Stage, view: View) -> dict[str, Any]:
    """Play both upgrades; returns the demo's JSON without its `seconds`."""
    view.say(f"stage     Kubernetes at {stage.kubernetes.url}, GitLab at {stage.gitlab.url}, gate at {stage.gate_url}")
    _until(stage, view, "the gate knows checkout 1.0", lambda: _gate(stage).get("status", {}).get("recorded"))
    view.say("gate      knows checkout 1.0: it ran before the gate came, so it is recorded, not judged")
    upgrades = [_upgrade(stage, view, upgrade, number) for number, upgrade in enumerate(UPGRADES)]
    ok = all(_as_expected(upgrade, result) for upgrade, result in zip(UPGRADES, upgrades, strict=True))
    return {"ok": ok, "upgrades": upgrades}


def _upgrade(stage: Stage, view: View, upgrade: Upgrade, number: int) -> dict[str, Any]:
    title = f"checkout {upgrade.version}: {upgrade.message}"
    view.say(f"push      {title}")
    files = {"VERSION": f"{upgrade.version}\n"}
    files |= files_of(FOLDER / "repository") if number == 0 else {}
    sha = stage.team.commit(PROJECT, upgrade.message, files, action="create" if number == 0 else "update")
    last = _look(stage, [])

    def over() -> bool:
        nonlocal last
        pipeline = stage.team.pipeline(PROJECT, sha)
        jobs = stage.team.jobs(PROJECT, pipeline["id"]) if pipeline else []
        now = _look(stage, jobs)
        for line in told(last, now):
            view.say(line)
        view.show(title, now)
        last = now
        return bool(jobs) and all(job["status"] in DONE for job in jobs)

    _until(stage, view, f"the pipeline of checkout {upgrade.version} is over", over)
    accepted = f"GitLab shows the verdict on checkout {upgrade.version}"
    _until(stage, view, accepted, lambda: any(row["status"] in DONE for row in stage.team.statuses(PROJECT, sha)))
    pipeline = stage.team.pipeline(PROJECT, sha)
    return upgrade_result(
        image=f"checkout:{upgrade.version}",
        sha=sha,
        gate=_gate(stage),
        runs=stage.object(RUNS)["items"],
        statuses=stage.team.statuses(PROJECT, sha),
        jobs=stage.team.jobs(PROJECT, pipeline["id"]) if pipeline else [],
    )


def _look(stage: Stage, jobs: list[Json]) -> Snapshot:
    return snapshot(jobs, stage.object(CHECKOUT), _gate(stage), stage.object(RUNS)["items"])


def _as_expected(upgrade: Upgrade, result: Json) -> bool:
    """Held back for another reason is as wrong as let through."""
    return (
        result["verdict"] == upgrade.verdict
        and result["reason"] in upgrade.reasons
        and result["production_job"] == upgrade.production
        and all(run["effects"] and run["targets"] for run in result["runs"])
    )


def _gate(stage: Stage) -> Json:
    """The gate of checkout; nothing before there is one."""
    found = stage.object(GATES)["items"]
    return next((item for item in found if item["spec"]["workload"]["name"] == "checkout"), {})


def _until(stage: Stage, view: View, what: str, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            log = (stage.folder / "gate.log").read_text().splitlines()[-15:]
            view.say(f"stuck     waiting for: {what}")
            raise DemoFailed(
                "\n".join([f"gave up after {PATIENCE:.0f} s waiting until {what}; the gate's log ends with", *log])
            )
        time.sleep(LOOK)
