"""One note of a merge request that is written again whenever there is something new to say, and never a second one."""

from typing import Any, Protocol

from gate.errors import Permanent
from gate.gitlab.protocol import Method, Request, project_path

LONGEST = 1_000_000
"""Letters that GitLab takes in a note."""
_CUT = "\n\nThe rest is left out: GitLab takes no longer notes."


class Notes(Protocol):
    """A GitLab, as far as it is asked here. Every method raises `Temporary` or `Permanent`."""

    def user(self) -> int: ...

    def pages(self, request: Request) -> Any: ...

    def send(self, request: Request) -> Any: ...


def say(gitlab: Notes, project: str, merge_request: int, mark: str, text: str) -> int:
    """Write the text into the note that our user wrote under this mark, or into a new one; the note's id.

    `mark` is hidden in the note. Somebody else's note that has it is left alone.
    """
    hidden = f"<!-- {mark} -->"
    body = f"{hidden}\n{text}"
    if len(body) > LONGEST:
        body = body[: LONGEST - len(_CUT)] + _CUT
    path = project_path(project, "merge_requests", merge_request, "notes")
    ours, found = gitlab.user(), None
    oldest_first = {"order_by": "created_at", "sort": "asc", "per_page": "100"}
    for note in gitlab.pages(Request(method=Method.GET, path=path, query=oldest_first)):
        if found is None and _is_ours(note, ours, hidden):
            found = note
    if found is None:
        return _id(gitlab.send(Request(method=Method.POST, path=path, body={"body": body})))
    if found.get("body") != body:
        gitlab.send(Request(method=Method.PUT, path=f"{path}/{_id(found)}", body={"body": body}))
    return _id(found)


def _is_ours(note: Any, ours: int, hidden: str) -> bool:
    author = note.get("author")
    written = isinstance(author, dict) and author.get("id") == ours
    return written and not note.get("system") and str(note.get("body", "")).startswith(hidden)


def _id(note: Any) -> int:
    number = note.get("id") if isinstance(note, dict) else None
    if not isinstance(number, int):
        raise Permanent(f"GitLab's answer is no note: {str(note)[:80]}")
    return number
