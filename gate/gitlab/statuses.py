"""Commit statuses: which request, if any, makes GitLab show what it should. Pure; read, compare, write.

GitLab finds a status row again by project, commit, pipeline, name *and user*. It never changes a row in a final state:
whatever is posted then opens a second row and hides the first one. So a final state is posted once, and nothing that is
not final ever follows it. `pipeline_id` is always sent and `ref` never: a wrong ref is a 404, and without a pipeline
GitLab opens one of its own, which can turn a broken merge request green.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gate.errors import Permanent, Temporary
from gate.gitlab.protocol import Method, Request, project_path
from gate.model import Announcement
from gate.tracking.overrides import OVERRIDDEN

LONGEST = 255
"""Characters that GitLab takes in a name, a description and a target address."""

FINAL = {"success", "failed", "canceled", "skipped"}
_ORDER = ("created", "pending", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One commit status as GitLab shows it."""

    id: int
    name: str
    state: str
    """As GitLab says it; native CI jobs are in more states than the gate uses."""
    description: str
    sha: str
    pipeline: int | None
    author: int | None
    target_url: str = ""
    username: str = ""
    """Of the author."""
    created: datetime | None = None
    """Its state may be newer."""

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> "Row":
        """A row from GitLab's JSON; `Temporary` if it is not one, since only a broken server or proxy answers that."""
        try:
            by = said.get("author") or {}
            author = by.get("id")
            return cls(
                id=int(said["id"]),
                name=str(said["name"]),
                state=str(said["status"]),
                description=str(said.get("description") or ""),
                sha=str(said["sha"]),
                pipeline=None if said.get("pipeline_id") is None else int(said["pipeline_id"]),
                author=None if author is None else int(author),
                target_url=str(said.get("target_url") or ""),
                username=str(by.get("username") or ""),
                created=datetime.fromisoformat(said["created_at"]) if said.get("created_at") else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Temporary(f"GitLab answered something that is not a commit status: {error!r}") from error


def next_request(
    wanted: Announcement, rows: Sequence[Row], *, bot: int, target_url: str = "", since: datetime | None = None
) -> Request | None:
    """The one request that brings GitLab from these rows to what is wanted; None: it is there, or nothing may be sent.

    `bot` is the id of our own user. Rows of others under the same name are not ours to continue: they do not count.
    `since`: when the job began that has deployed; a row from before is about what was there before.
    `Permanent` where the announcement cannot be posted at all.
    """
    newest = newest_of(wanted, rows, bot=bot)
    if newest is not None and not (_worth_a_request(wanted, newest) or _is_outdated(wanted, newest, since)):
        return None
    return post(wanted, target_url)


def newest_of(wanted: Announcement, rows: Sequence[Row], *, bot: int) -> Row | None:
    """The newest row of ours that is about the announcement."""
    return max((row for row in rows if _is_ours(row, wanted, bot)), key=lambda row: row.id, default=None)


def _is_ours(row: Row, wanted: Announcement, bot: int) -> bool:
    return row.author == bot and row.name == wanted.name and row.pipeline == wanted.commit.pipeline


def _worth_a_request(wanted: Announcement, newest: Row) -> bool:
    """Whether posting the announcement onto that row of ours does what is meant."""
    state, shown = wanted.state, newest.state
    if shown in FINAL:
        return state.final and (state != shown or _overridden_since(wanted, newest))
    if state.final:
        return True
    # Forward only. The same state again is a 400 that throws the new description away, and running never goes back.
    return shown not in _ORDER or _ORDER.index(state) > _ORDER.index(shown)


def _is_outdated(wanted: Announcement, shown: Row, since: datetime | None) -> bool:
    """Whether the row has the final state that is wanted, of what the pipeline had deployed before: a job was retried,
    or another one deploys there again. Only another row, in the same state, can say that this is about the new one.
    """
    older = since is not None and shown.created is not None and shown.created < since
    return older and wanted.state.final and wanted.state == shown.state


def _overridden_since(wanted: Announcement, shown: Row) -> bool:
    """Whether the row lacks an override that stands, or has one that is over. Only another row, in the same state, can
    say so: it hides this one.
    """
    if wanted.override:
        return shortened(wanted.text) != shown.description
    return shown.description.startswith(OVERRIDDEN)


def pipeline_of(wanted: Announcement) -> int:
    """The pipeline to post to; `Permanent` where none is known, since GitLab would then choose or open another one."""
    commit = wanted.commit
    if commit.pipeline is None:
        raise Permanent(
            f"{wanted.name}: nothing says which pipeline of {commit.project} waits for commit {commit.sha[:8]}; "
            f"let the deploy job write the annotation chaosgate.dev/pipeline=$CI_PIPELINE_ID on the workload"
        )
    return commit.pipeline


def post(wanted: Announcement, target_url: str = "") -> Request:
    """The request that posts an announcement, whatever is there; `Permanent` where it cannot be posted at all."""
    if not wanted.name or len(wanted.name) > LONGEST:
        raise Permanent(
            f"the status name {wanted.name[:60]!r}… has {len(wanted.name)} characters, GitLab takes 1 to {LONGEST}; "
            f"shorten the name of the subscription or of its environment"
        )
    body: dict[str, Any] = {
        "state": wanted.state.value,
        "name": wanted.name,
        "description": shortened(wanted.text),
        "pipeline_id": pipeline_of(wanted),
    }
    # GitLab refuses the whole status for an address that it does not like; the status matters more than the link.
    if target_url.startswith(("http://", "https://")) and len(target_url) <= LONGEST:
        body["target_url"] = target_url
    return Request(
        method=Method.POST, path=project_path(wanted.commit.project, "statuses", wanted.commit.sha), body=body
    )


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text in one line of at most `longest` characters, cut between words where there is a place to cut."""
    line = " ".join(text.split())
    if len(line) <= longest:
        return line
    cut = line.rfind(" ", longest // 2, longest - 1)
    return f"{line[: cut if cut > 0 else longest - 2].rstrip(' ,;:')} …"
