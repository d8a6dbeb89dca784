"""The demo's JSON: what became of an upgrade, from the objects that the gate left in the cluster. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

PRODUCTION_JOB = "deploy-production"


def upgrade_result(
    *, image: str, sha: str, gate: Json, runs: Sequence[Json], statuses: Sequence[Json], jobs: Sequence[Json]
) -> dict[str, Any]:
    """Everything about one upgrade. Its verdict is taken only if the gate gave it for this very commit."""
    status = gate.get("status") or {}
    answers = (status.get("commit") or {}).get("sha") == sha
    named = [entry["name"] for entry in status.get("runs") or []] if answers else []
    by_name = {run["metadata"]["name"]: run for run in runs}
    scores = [entry.get("score") for entry in status.get("runs") or [] if entry.get("score") is not None]
    return {
        "image": image,
        "version": status.get("version") if answers else None,
        "digests": {each["container"]: each["digest"] for each in status.get("images") or []} if answers else {},
        "verdict": status.get("verdict") if answers else None,
        "reason": status.get("reason") if answers else None,
        "message": (status.get("message") or "") if answers else "",
        "score": min(scores, default=None) if answers else None,
        "runs": [_run(by_name[name]) for name in named if name in by_name],
        "statuses": list(statuses),
        "production_job": next((job["status"] for job in jobs if job["name"] == PRODUCTION_JOB), None),
    }


def _run(run: Json) -> dict[str, Any]:
    status = run.get("status") or {}
    evidence = status.get("evidence") or {}
    steps = evidence.get("steps") or []
    return {
        "name": run["metadata"]["name"],
        "workflow": run["spec"]["workflow"]["name"],
        "verdict": status.get("verdict"),
        "reason": status.get("reason"),
        "message": status.get("message") or "",
        "score": status.get("score"),
        "attempts": status.get("attempt"),
        "detection_s": _first(steps, "detection"),
        "recovery_s": _first(steps, "recovery"),
        "targets": [
            {"pod": target["name"], "uid": target["uid"], "digest": _digest(target)}
            for target in evidence.get("targets") or []
        ],
        "effects": evidence.get("effects") or [],
        "undo": evidence.get("undo") or [],
    }


def _first(steps: Sequence[Json], field: str) -> float | None:
    return next((step[field] for step in steps if step.get(field) is not None), None)


def _digest(target: Json) -> str | None:
    return next((image["digest"] for image in target.get("images") or []), None)
