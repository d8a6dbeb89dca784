"""The answer as JSON and back: what travels between the gate and those who wait."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gate.errors import Temporary
from gate.model import GateOverride, Reason, Verdict, Window
from gate.web.answer import Answer, State
from gate.web.run_answer import FailedProbe, RunAnswer, StepAnswer


def to_json(answer: Answer) -> dict[str, Any]:
    """The answer as JSON; durations are seconds and end in `_s`, moments are ISO 8601."""
    return {
        "state": answer.state,
        "verdict": answer.verdict,
        "reason": answer.reason,
        "message": answer.message,
        "workloads": list(answer.workloads),
        "version": answer.version,
        "score": answer.score,
        "runs": [_run_to_json(run) for run in answer.runs],
        "overrides": [
            {
                "version": each.version,
                "who": each.who,
                "reason": each.reason,
                "at": each.at.isoformat(),
                "until": each.until.isoformat(),
            }
            for each in answer.overrides
        ],
        "signed": list(answer.signed),
        "etag": answer.etag,
    }


def _run_to_json(run: RunAnswer) -> dict[str, Any]:
    return {
        "name": run.name,
        "workload": run.workload,
        "workflow": run.workflow,
        "subscriptions": list(run.subscriptions),
        "verdict": run.verdict,
        "reason": run.reason,
        "message": run.message,
        "score": run.score,
        "activity": run.activity,
        "failed": [
            {
                "probe": failed.probe,
                "window": failed.window,
                "step": failed.step,
                "samples": failed.samples,
                "failures": failed.failures,
                "streak_s": failed.streak.total_seconds(),
                "first_failure": failed.first_failure and failed.first_failure.isoformat(),
                "detail": failed.detail,
                "expected": failed.expected,
                "fault": failed.fault,
            }
            for failed in run.failed
        ],
        "steps": [
            {"step": each.step, "detection_s": _seconds(each.detection), "recovery_s": _seconds(each.recovery)}
            for each in run.steps
        ],
        "reproduce": run.reproduce,
    }


def from_json(said: object) -> Answer:
    """The answer out of JSON. Raises `Temporary` for what is none: something else than the gate has answered."""
    if not isinstance(said, Mapping):
        raise Temporary("the gate's answer cannot be read: it is not an object")
    try:
        return _answer(said)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Temporary(f"the gate's answer cannot be read ({error!r})") from error


def _answer(said: Mapping[str, Any]) -> Answer:
    answer = Answer(
        state=State(said["state"]),
        verdict=None if said["verdict"] is None else Verdict(said["verdict"]),
        reason=_reason(said.get("reason")),
        message=str(said.get("message") or ""),
        workloads=tuple(map(str, said.get("workloads") or ())),
        version=str(said.get("version") or ""),
        score=said.get("score"),
        runs=tuple(_run(run) for run in said.get("runs") or ()),
        overrides=tuple(_override(each) for each in said.get("overrides") or ()),
        signed=tuple(map(str, said.get("signed") or ())),
    )
    if (answer.state is State.OPEN) != (answer.verdict is Verdict.PASSED):
        raise ValueError(f"{answer.state} with the verdict {answer.verdict}")
    if (answer.state is State.CLOSED) != (answer.verdict not in {None, Verdict.PASSED}):
        raise ValueError(f"{answer.state} with the verdict {answer.verdict}")
    return answer


def _run(said: Mapping[str, Any]) -> RunAnswer:
    return RunAnswer(
        name=str(said["name"]),
        workload=str(said.get("workload") or ""),
        workflow=str(said.get("workflow") or ""),
        subscriptions=tuple(map(str, said.get("subscriptions") or ())),
        verdict=None if said.get("verdict") is None else Verdict(said["verdict"]),
        reason=_reason(said.get("reason")),
        message=str(said.get("message") or ""),
        score=said.get("score"),
        activity=str(said.get("activity") or ""),
        failed=tuple(_failed(failed) for failed in said.get("failed") or ()),
        steps=tuple(_step(each) for each in said.get("steps") or ()),
        reproduce=str(said.get("reproduce") or ""),
    )


def _failed(said: Mapping[str, Any]) -> FailedProbe:
    first = said.get("first_failure")
    return FailedProbe(
        probe=str(said["probe"]),
        window=Window(said["window"]),
        step=str(said.get("step") or ""),
        samples=int(said["samples"]),
        failures=int(said["failures"]),
        streak=timedelta(seconds=float(said["streak_s"])),
        first_failure=None if first is None else datetime.fromisoformat(first),
        detail=str(said.get("detail") or ""),
        expected=str(said.get("expected") or ""),
        fault=str(said.get("fault") or ""),
    )


def _step(said: Mapping[str, Any]) -> StepAnswer:
    return StepAnswer(
        step=str(said["step"]), detection=_time(said.get("detection_s")), recovery=_time(said.get("recovery_s"))
    )


def _seconds(time: timedelta | None) -> float | None:
    return None if time is None else time.total_seconds()


def _time(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=float(seconds))


def _override(said: Mapping[str, Any]) -> GateOverride:
    return GateOverride(
        version=str(said["version"]),
        who=str(said["who"]),
        reason=str(said["reason"]),
        at=datetime.fromisoformat(said["at"]),
        until=datetime.fromisoformat(said["until"]),
    )


def _reason(said: object) -> Reason | None:
    """A gate that is newer than this program may know more reasons; the verdict beside it says what matters."""
    return next((reason for reason in Reason if reason == said), None)
