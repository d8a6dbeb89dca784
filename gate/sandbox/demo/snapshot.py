"""What can be seen of the stage at one moment, and the lines that tell what changed between two of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSeen:
    """The samples of one probe in one window, as the run's evidence says it so far."""

    probe: str
    window: str
    step: str
    samples: int
    failures: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """One run."""

    name: str
    workflow: str
    phase: str
    activity: str
    verdict: str
    message: str
    timeline: tuple[str, ...]
    probes: tuple[ProbeSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The stage at one moment."""

    jobs: tuple[tuple[str, str], ...] = ()
    """Name and status of the pipeline's jobs."""
    rollout: str = ""
    gate: str = ""
    verdict: str = ""
    message: str = ""
    runs: tuple[RunSeen, ...] = ()


def snapshot(jobs: Sequence[Json], deployment: Json, gate: Json | None, runs: Sequence[Json]) -> Snapshot:
    """From the JSON of GitLab's jobs and of the Kubernetes objects."""
    status = (gate or {}).get("status") or {}
    named = [entry["name"] for entry in status.get("runs") or []]
    by_name = {run["metadata"]["name"]: run for run in runs}
    return Snapshot(
        jobs=tuple((job["name"], job["status"]) for job in jobs),
        rollout=_rollout(deployment),
        gate=status.get("phase", ""),
        verdict=status.get("verdict") or "",
        message=status.get("message") or "",
        runs=tuple(_run(by_name[name]) for name in named if name in by_name),
    )


def _rollout(deployment: Json) -> str:
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    old = status.get("replicas", 0) - updated
    parts = [f"{updated}/{wanted} updated", f"{available}/{wanted} available"]
    return f"{image}: {', '.join([*parts, f'{old} old'] if old > 0 else parts)}"


def _run(run: Json) -> RunSeen:
    status = run.get("status") or {}
    evidence = status.get("evidence") or {}
    return RunSeen(
        name=run["metadata"]["name"],
        workflow=run["spec"]["workflow"]["name"],
        phase=status.get("phase", "Pending"),
        activity=status.get("activity") or "",
        verdict=status.get("verdict") or "",
        message=status.get("message") or "",
        timeline=tuple(entry["what"] for entry in status.get("timeline") or []),
        probes=tuple(
            ProbeSeen(
                probe=item["probe"],
                window=item["window"],
                step=item.get("step") or "",
                samples=item.get("samples", 0),
                failures=item.get("failures", 0),
                detail=item.get("detail") or "",
            )
            for item in evidence.get("summaries") or []
        ),
    )


def told(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """One line for each thing that is new."""
    jobs = dict(before.jobs)
    for name, status in now.jobs:
        if jobs.get(name) != status and status not in {"created", "pending"}:
            yield f"pipeline  {name}: {status}"
    if now.rollout != before.rollout:
        yield f"rollout   {now.rollout}"
    if (now.gate, now.verdict) != (before.gate, before.verdict) and now.gate:
        yield f"gate      {' '.join(part for part in (now.gate, now.verdict) if part)}: {now.message}"
    known = {run.name: run for run in before.runs}
    for run in now.runs:
        yield from _told_of_run(known.get(run.name), run)


def _told_of_run(before: RunSeen | None, now: RunSeen) -> Iterator[str]:
    seen = len(before.timeline) if before else 0
    for what in now.timeline[seen:]:
        yield f"run       {now.workflow}: {what}"
    known = {(probe.probe, probe.window, probe.step): probe for probe in before.probes} if before else {}
    for probe in now.probes:
        last = known.get((probe.probe, probe.window, probe.step))
        if probe.failures and (last is None or not last.failures):
            yield f"probe     {now.workflow}: {probe.probe!r} fails {probe.window} {probe.step!r}: {probe.detail}"
    if now.verdict and (before is None or not before.verdict):
        yield f"verdict   {now.workflow}: {now.verdict}{f' - {now.message}' if now.message else ''}"
