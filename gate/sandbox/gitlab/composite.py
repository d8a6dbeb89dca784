"""The status of a pipeline from those of its rows: the first rule that fits, in GitLab's order. Pure."""

from collections.abc import Iterable


def composite(rows: Iterable[tuple[str, bool]]) -> str:
    """`rows`: the status of each row that is not retried, and whether it may fail. No rows: `created`."""
    statuses = {_seen(status, allowed) for status, allowed in rows}
    if not statuses:
        return "created"
    for only, status in (
        ({"skipped", "ignored"}, "skipped"),
        ({"success", "skipped", "success with warnings", "ignored"}, "success"),
        ({"created"}, "created"),
        ({"preparing"}, "preparing"),
        ({"canceled", "success", "skipped"}, "canceled"),
        ({"pending", "created", "skipped"}, "pending"),
    ):
        if statuses <= only:
            return status
    for some, status in (
        ({"running", "pending"}, "running"),
        ({"waiting_for_resource"}, "waiting_for_resource"),
        ({"waiting_for_callback"}, "waiting_for_callback"),
        ({"manual"}, "manual"),
        ({"scheduled"}, "scheduled"),
        ({"preparing"}, "preparing"),
        ({"created"}, "running"),
        ({"canceling"}, "canceling"),
    ):
        if statuses & some:
            return status
    return "failed"


def _seen(status: str, allowed: bool) -> str:
    if allowed and status in {"failed", "canceled"}:
        return "success with warnings"
    if allowed and status == "manual":
        return "ignored"
    return status
