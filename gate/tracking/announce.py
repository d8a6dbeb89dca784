"""What GitLab should show, as it follows from the gate's status. Pure; what GitLab does show is for the reporter."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from gate.model import Announcement, Commit, GateStatus, Reason, StatusState, Subscription, Verdict
from gate.tracking.judgements import fold

KEPT = 20
"""How many announcements a gate keeps; beyond it the oldest go that GitLab has accepted in their final state."""

MOST = 100
"""How many it keeps in all. Where GitLab takes nothing for so long, or there is none, the oldest go untold: a gate has
to stay an object that the API server takes.
"""

LONGEST_NAME = 255
"""Characters that GitLab takes in the name of a status."""

AWAITED = "the rollout is awaited, then chaos workflows will run"

STATES = {
    Verdict.PASSED: StatusState.SUCCESS,
    Verdict.FAILED: StatusState.FAILED,
    Verdict.ERRORED: StatusState.FAILED,
    Verdict.CANCELED: StatusState.CANCELED,
}


def announce(
    status: GateStatus, subscriptions: Sequence[Subscription], told: Collection[Announcement] = ()
) -> GateStatus:
    """The status with its announcements: the present commit's as the answer stands, older ones brought to an end.

    `told` are those that GitLab has accepted as they are. What was begun there has to be ended there, so that nothing
    else is forgotten before its time.
    """
    present = [made for sub in subscriptions if (made := _present(status, sub))]
    keys = {_key(announcement) for announcement in present}
    older = [
        _ended(announcement, status.commit) for announcement in status.announcements if _key(announcement) not in keys
    ]
    surplus = len(older) + len(present) - KEPT
    done = [announcement for announcement in older if announcement.state.final and announcement in told]
    kept = [announcement for announcement in older if announcement not in done[: max(0, surplus)]]
    excess = len(kept) + len(present) - MOST
    return replace(status, announcements=(*kept[max(0, excess) :], *present))


def status_name(subscription: Subscription) -> str:
    """One stable name per subscription, environment and workload: GitLab finds the row again by it, and of two
    workloads that one selector finds neither writes over what the other one's chaos has shown.
    """
    name = f"chaos/{subscription.environment}/{subscription.name}"
    workload = subscription.workload
    return f"{name}/{workload.namespace}/{workload.name}" if subscription.selected else name


def is_of(commit: Commit, project: str) -> bool:
    """Whether a commit is of a project; GitLab takes a path in any case."""
    return commit.project.lower() == project.lower()


def _key(announcement: Announcement) -> tuple[str, str, str, int | None]:
    commit = announcement.commit
    return announcement.name, commit.project, commit.sha, commit.pipeline


def _present(status: GateStatus, subscription: Subscription) -> Announcement | None:
    commit = status.commit
    if commit is None or not subscription.project or not is_of(commit, subscription.project):
        return None
    if len(status_name(subscription)) > LONGEST_NAME:
        return None  # nobody takes it: not GitLab, and not the API server in the gate's status
    state, description = _state(status, subscription.name)
    version = status.version if status.runs else ""
    return Announcement(
        name=status_name(subscription), commit=commit, version=version, state=state, description=description
    )


def _state(status: GateStatus, subscription: str) -> tuple[StatusState, str]:
    entries = tuple(entry for entry in status.runs if subscription in entry.subscriptions)
    if status.verdict is None:
        # No progress in these words: GitLab would not show it (a status in the same state keeps its description).
        begun = any(entry.uid for entry in entries)
        return (StatusState.RUNNING, "chaos workflows are running") if begun else (StatusState.PENDING, AWAITED)
    if not entries and status.verdict is Verdict.PASSED:
        return StatusState.PENDING, "subscribed after this version was judged; the next one will be"
    if not entries or status.reason is Reason.SUPERSEDED:
        return STATES[status.verdict], status.message
    judgement = fold(entries)
    if judgement.verdict is Verdict.PASSED:
        return StatusState.SUCCESS, f"passed {', '.join(entry.workflow for entry in entries)}"
    return STATES[judgement.verdict], f"{judgement.reason}: {judgement.message}"


def _ended(announcement: Announcement, present: Commit | None) -> Announcement:
    if announcement.state.final or present is None:
        return announcement
    why = "no longer subscribed" if announcement.commit == present else f"superseded by {present.sha[:8]}"
    return replace(announcement, state=StatusState.CANCELED, description=why)
