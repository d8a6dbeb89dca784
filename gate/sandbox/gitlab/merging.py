"""What a merge request's head pipeline is, and what stands in the way of merging. Pure."""

from collections.abc import Iterable

from gate.sandbox.gitlab.model import (
    CHILD,
    MERGE_REQUEST,
    CheckResponse,
    MergeRequest,
    Pipeline,
    Project,
    Setting,
    StatusCheck,
)

PENDING_FOR = 120
"""Seconds after which a status check that is still pending counts as failed."""


def refs(merge_request: MergeRequest) -> tuple[str, str]:
    """The refs of its pipelines: on the source branch's head, and on the commit that a merge would make."""
    return f"refs/merge-requests/{merge_request.iid}/head", f"refs/merge-requests/{merge_request.iid}/merge"


def pipelines_of(project: Project, merge_request: MergeRequest) -> list[Pipeline]:
    """All its pipelines, those of the merge request before those of the branch, the newest first."""
    fitting = [
        each
        for each in project.pipelines
        if each.source != CHILD and (each.merge_request == merge_request.iid or each.ref == merge_request.source_branch)
    ]
    return sorted(fitting, key=lambda each: (each.source != MERGE_REQUEST, -each.id))


def head_pipeline(project: Project, merge_request: MergeRequest) -> Pipeline | None:
    """The pipeline that the merge request shows and is judged by."""
    for each in pipelines_of(project, merge_request):
        if merge_request.sha in {each.sha, each.source_sha}:
            return each
    return None


def check_status(response: CheckResponse | None, sha: str, now: float) -> str:
    """What a status check says about the head: what is pending for too long has failed."""
    if response is None or response.sha != sha:
        return "pending"
    if response.status == "pending" and now - response.at > PENDING_FOR:
        return "failed"
    return response.status


def checks_of(project: Project, merge_request: MergeRequest) -> list[StatusCheck]:
    """The status checks that are about its target branch."""
    covering = {each.id for each in project.protected_branches if each.covers(merge_request.target_branch)}
    return [each for each in project.status_checks if not each.branches or covering & set(each.branches)]


def mergeable(project: Project, merge_request: MergeRequest, checks: Iterable[str], *, conflict: bool) -> str:
    """GitLab's `detailed_merge_status`: `mergeable`, or the first thing in the way. `checks`: what each one says."""
    if merge_request.state != "opened":
        return "not_open"
    if conflict:
        return "conflict"
    if project.settings[Setting.PIPELINE_MUST_SUCCEED]:
        head = project.pipeline(merge_request.head_pipeline or 0)
        good = {"success"} | ({"skipped"} if project.settings[Setting.SKIPPED_IS_SUCCESS] else set())
        if head is None or head.status not in good:
            running = head is not None and head.status in {"created", "pending", "running"}
            return "ci_still_running" if running else "ci_must_pass"
    if project.settings[Setting.CHECKS_REQUIRED] and set(checks) - {"passed"}:
        return "status_checks_must_pass"
    return "mergeable"
