"""What the API server refuses in the status of a Job: counts that cannot be, and ends that contradict themselves."""

from collections.abc import Iterator

from gate.sandbox.kubernetes.language.errors import Cause, CauseType, duplicate, invalid, not_negative, required
from gate.sandbox.kubernetes.language.objects import Object, lookup, moment_of

_TERMINAL = ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")
"""What stays true once it is, in the order in which the server looks."""


def validate(new: Object, old: Object | None) -> list[Cause]:
    status, before = new["status"], lookup(old, "status", {})
    counts = ("active", "succeeded", "failed", "ready", "terminating")
    causes = not_negative(status, "status", counts) + list(_uncounted(status))
    return [*causes, *_contradictions(status), *_steps_back(status, before)]


def _uncounted(status: Object) -> Iterator[Cause]:
    """Each pod is named once."""
    seen: set[str] = set()
    for end in ("succeeded", "failed"):
        for index, uid in enumerate(lookup(status, f"uncountedTerminatedPods.{end}", [])):
            place = f"status.uncountedTerminatedPods.{end}[{index}]"
            if not uid:
                yield invalid(place, uid, "must not be empty")
            elif uid in seen:
                yield duplicate(place, uid)
            seen.add(uid)


def _contradictions(status: Object) -> Iterator[Cause]:
    """What cannot be at the same time."""
    true = _true(status)
    yield from _together(true, ("Complete", "Failed"), ("Complete", "FailureTarget"))
    start, end = status.get("startTime"), status.get("completionTime")
    if end and "Complete" not in true:
        yield invalid(
            "status.completionTime", end, "cannot set completionTime when there is no Complete=True condition"
        )
    if "Complete" in true and not end:
        yield required("status.completionTime", "completionTime is required for Complete jobs")
    if start and end and moment_of(end) < moment_of(start):
        yield invalid("status.completionTime", end, "must be equal to or after `startTime`")
    for condition, needed in (("Failed", "FailureTarget"), ("Complete", "SuccessCriteriaMet")):
        if condition in true and needed not in true:
            yield _of_conditions(f"cannot set {condition}=True condition without the {needed}=true condition")
    if true & {"Complete", "Failed"}:
        yield from _unfinished(status)
    yield from _together(true, ("SuccessCriteriaMet", "Failed"), ("SuccessCriteriaMet", "FailureTarget"))
    ready = status.get("ready")
    if ready is not None and ready > status.get("active", 0):
        yield invalid("status.ready", ready, "cannot set more ready pods than active")
    if status.get("completedIndexes"):
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield invalid("status.completedIndexes", status["completedIndexes"], detail)
    if status.get("failedIndexes") is not None:
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield invalid("status.failedIndexes", status["failedIndexes"], detail)


def _unfinished(status: Object) -> Iterator[Cause]:
    """What must not be left when a Job has ended."""
    for count in ("active", "terminating"):
        if status.get(count, 0) > 0:
            yield invalid(f"status.{count}", status[count], f"{count}>0 is invalid for finished job")
    if not status.get("startTime"):
        yield required("status.startTime", "startTime is required for finished job")
    noted = status.get("uncountedTerminatedPods") or {}
    if any(noted.values()):
        shown = {"Succeeded": noted.get("succeeded"), "Failed": noted.get("failed")}
        yield invalid("status.uncountedTerminatedPods", shown, "must be empty for finished job")


def _steps_back(status: Object, before: Object) -> Iterator[Cause]:
    """What was said before and cannot be taken back."""
    gone = _true(before) - _true(status)
    for kind in _TERMINAL:
        if kind in gone:
            yield _of_conditions(f"cannot disable the terminal {kind}=True condition")
    for count in ("failed", "succeeded"):
        if status.get(count, 0) < before.get(count, 0):
            yield invalid(f"status.{count}", status.get(count, 0), f"cannot decrease the {count} counter")


def _together(true: set[str], *pairs: tuple[str, str]) -> Iterator[Cause]:
    for one, other in pairs:
        if true >= {one, other}:
            yield _of_conditions(f"cannot set {one}=True and {other}=true conditions")


def _of_conditions(detail: str) -> Cause:
    return Cause(field="status.conditions", type=CauseType.INVALID, message=f"Invalid value: {detail}")


def _true(status: Object) -> set[str]:
    return {each["type"] for each in status.get("conditions") or () if each["status"] == "True"}
