"""A note of the merge request whose pipeline this is: where, as whom, and that it is one only."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from gate.errors import Permanent
from gate.gitlab.client import GitLab
from gate.gitlab.notes import say

SERVER, PROJECT, MERGE_REQUEST = "CI_SERVER_URL", "CI_PROJECT_PATH", "CI_MERGE_REQUEST_IID"
TOKEN = "CHAOS_GATE_GITLAB_TOKEN"  # noqa: S105 - the name of a variable
AUTHORITY = "CI_SERVER_TLS_CA_FILE"


def post(text: str, about: str, environment: Mapping[str, str]) -> str:
    """Write it, in place of what was said about the same before; where it is then, in one sentence.

    Raises `GateError` if this is no job of a merge request's pipeline, or GitLab does not take it.
    """
    missing = [name for name in (SERVER, PROJECT, MERGE_REQUEST, TOKEN) if not environment.get(name)]
    if MERGE_REQUEST in missing:
        raise Permanent(
            f"there is no merge request to write to: {MERGE_REQUEST} is not set; "
            "let the job run in pipelines of merge requests"
        )
    if missing:
        raise Permanent(f"no note can be written without {', '.join(missing)}; {TOKEN} is a token with the scope api")
    number = environment[MERGE_REQUEST]
    if not number.isdecimal():
        raise Permanent(f"{MERGE_REQUEST} is {number!r}, and no number of a merge request")
    authority = environment.get(AUTHORITY)
    gitlab = GitLab(environment[SERVER], lambda: environment[TOKEN], authority=Path(authority) if authority else None)
    with closing(gitlab):
        note = say(gitlab, environment[PROJECT], int(number), f"chaos-gate plan {about}", text)
    where = f"{environment[SERVER].rstrip('/')}/{environment[PROJECT]}/-/merge_requests/{number}#note_{note}"
    return f"written to {where}"
