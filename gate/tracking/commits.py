"""Which commit a version comes from, as far as it can be told, and why GitLab is told nothing of it. Pure."""

import re
from collections.abc import Sequence

from gate.model import Commit, GateStatus, Progress, Rollout
from gate.tracking.announce import LONGEST_NAME, is_of, status_name
from gate.tracking.claims import Claim

ANNOTATIONS = "annotations"
"""By what a commit is known that the deploy job itself has told."""

OLD_KEY = re.compile("[0-9a-f]{10}")
"""A version's key in releases that gave it too few digits to tell versions apart: of such a one nothing is known."""


def commit_of(rollout: Rollout, status: GateStatus, *, moved_on: bool) -> tuple[Commit | None, str]:
    """The commit, or why there is none. `moved_on`: another version than the gate's has come, or is coming.

    Annotations that still name the commit of another version were left behind by a deploy job that set only the image,
    or by a rollback: a verdict on what runs now is not theirs.
    """
    if _is_found_before(rollout, status):
        return status.commit, ""
    for said in status.announcements:
        if rollout.commit is None or said.commit != rollout.commit or not said.state.final:
            continue
        if not said.version or OLD_KEY.fullmatch(said.version):
            continue
        stale = said.version != rollout.version.key if rollout.version else moved_on
        if stale:
            problem = f"the annotations name commit {said.commit.sha[:8]}, which another version was built from"
            return None, f"{problem}; let the deploy job write image and annotations in one patch"
    return rollout.commit, rollout.commit_problem


def _is_found_before(rollout: Rollout, status: GateStatus) -> bool:
    """What was confirmed for this version stays while GitLab is asked again, as after each start, and if it says no:
    else a start of the gate would begin to judge anew.
    """
    if rollout.commit or not rollout.hints or status.commit_found in {"", ANNOTATIONS}:
        return False
    return rollout.version.key == status.version if rollout.version else rollout.commit_open


def how(rollout: Rollout, status: GateStatus) -> str:
    """By what the commit that the status names is known; empty if it names none."""
    if status.commit is None:
        return ""
    return (rollout.commit_found or ANNOTATIONS) if rollout.commit else status.commit_found


def is_found_late(rollout: Rollout, status: GateStatus) -> bool:
    """GitLab could not be asked before. The commit that an image names is the commit of its version at any time."""
    same = rollout.version is not None and rollout.version.key == status.version
    return same and status.commit is None and rollout.commit_in_image and rollout.progress is Progress.COMPLETE


def untold(commit: Commit | None, claims: Sequence[Claim]) -> str:
    """Why GitLab is told nothing of a commit that is known: a fork's is not the subscribed project's, or the name that
    the status would have is longer than names are.
    """
    told = [claim.subscription for claim in claims if claim.subscription and claim.subscription.project]
    projects = sorted({subscription.project for subscription in told})
    if commit is None or not projects:
        return ""
    if any(is_of(commit, project) for project in projects):
        long = [each.name for each in told if len(status_name(each)) > LONGEST_NAME]
        said = f"the name that the status of {', '.join(long)} would have is longer than {LONGEST_NAME} characters"
        return (
            f"{said}: GitLab is told nothing of it; shorten the environment or the subscription's name" if long else ""
        )
    said = f"the commit is of the project {commit.project}, subscribed is {', '.join(projects)}"
    return f"{said}: GitLab is told nothing; name the project whose pipeline deploys, as its path is written now"
