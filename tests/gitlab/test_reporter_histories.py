"""Any history of announcements, with whatever goes wrong at any request, ends with the one row that should be seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Permanent, Temporary
from gate.gitlab.protocol import Request
from gate.gitlab.reporter import Reporter
from gate.gitlab.statuses import Row
from gate.model import Announcement, Commit, StatusState

BOT, SOMEBODY = 7, 8
SHA = "a" * 40
FINAL = {"success", "failed", "canceled", "skipped"}
EVENTS = {"pending": "enqueue", "running": "run"}
WANTED = Announcement(
    name="chaos/staging/checkout",
    commit=Commit(project="shop/checkout", sha=SHA, pipeline=3),
    version="v1",
    state=StatusState.PENDING,
    description="awaited",
)


@dataclass
class FakeGitLab:
    """GitLab's rows of one commit, by its transition table. `trouble` says, call by call, what goes wrong."""

    rows: list[Row] = field(default_factory=list)
    retried: set[int] = field(default_factory=set)
    posts: int = 0
    trouble: list[str] = field(default_factory=list)
    me: int = BOT

    def user(self) -> int:
        return self.me

    def statuses(self, project: str, sha: str, *, pipeline: int, name: str) -> Sequence[Row]:
        self._maybe("lost")
        return [row for row in self.rows if row.id not in self.retried and (row.pipeline, row.name) == (pipeline, name)]

    def external(self, project: str, sha: str, *, pipeline: int) -> Sequence[Row]:
        return self.statuses(project, sha, pipeline=pipeline, name=WANTED.name)

    def send(self, request: Request) -> Any:
        self._maybe("lost")
        written = self._write(request)
        self._maybe("unanswered")
        return written

    def _maybe(self, what: str) -> None:
        if self.trouble and self.trouble[-1] == what:
            self.trouble.pop()
            raise Temporary(what)

    def _write(self, request: Request) -> dict[str, Any] | None:
        assert request.body is not None
        state = request.body["state"]
        self.posts += 1
        live = next((row for row in self.rows if row.state not in FINAL and row.author == self.me), None)
        if live is not None and (live.state, state) in {("pending", "pending"), ("running", "running")}:
            return None  # the client takes this 400 for done
        if (live.state if live else "", state) == ("running", "pending"):
            raise Permanent(f"Cannot transition status via :{EVENTS[state]} from :running")
        row = Row(
            id=live.id if live else len(self.rows) + 1,
            name=request.body["name"],
            state=state,
            description=request.body["description"],
            sha=SHA,
            pipeline=request.body["pipeline_id"],
            author=self.me,
        )
        self.rows = [one for one in self.rows if one is not live] + [row]
        self.retried |= {one.id for one in self.rows if one.id != row.id}
        return {
            "id": row.id,
            "name": row.name,
            "status": row.state,
            "sha": SHA,
            "pipeline_id": row.pipeline,
            "author": {"id": self.me},
        }

    def visible(self) -> list[str]:
        return [row.state for row in self.rows if row.id not in self.retried]


def report_until_accepted(gitlab: FakeGitLab, announcement: Announcement) -> None:
    """As the outbox does, with a new reporter each time, as after a crash."""
    while True:
        try:
            Reporter(gitlab).report(announcement)
        except Temporary:
            continue
        return


wishes = st.lists(st.tuples(st.sampled_from(StatusState), st.text("ab", max_size=1)), min_size=1, max_size=8)
troubles = st.lists(st.sampled_from(["lost", "unanswered"]), max_size=6)


@given(wishes, troubles)
def test_one_row_is_seen_and_it_is_in_the_right_state(
    history: list[tuple[StatusState, str]], trouble: list[str]
) -> None:
    gitlab = FakeGitLab(trouble=trouble)
    for state, description in history:
        report_until_accepted(gitlab, replace(WANTED, state=state, description=description))
    states = [state for state, _ in history]
    finals = [state for state in states if state.final]
    order = list(StatusState)
    expected = finals[-1] if finals else max(states, key=order.index)
    assert gitlab.visible() == [expected]
    changes = sum(before is not after for before, after in zip([None, *finals], finals, strict=False))
    assert len(gitlab.rows) == max(changes, 1)


@given(wishes, troubles)
def test_telling_it_all_again_changes_nothing(history: list[tuple[StatusState, str]], trouble: list[str]) -> None:
    gitlab = FakeGitLab(trouble=trouble)
    state, description = history[-1]
    for _ in range(3):
        report_until_accepted(gitlab, replace(WANTED, state=state, description=description))
    before = gitlab.posts
    report_until_accepted(gitlab, replace(WANTED, state=state, description=description))
    assert gitlab.posts == before
    assert len(gitlab.rows) == 1


def test_a_row_of_somebody_else_under_our_name_is_covered_by_ours() -> None:
    theirs = FakeGitLab(me=SOMEBODY)
    Reporter(theirs).report(replace(WANTED, state=StatusState.SUCCESS))
    ours = FakeGitLab(rows=theirs.rows)
    Reporter(ours).report(replace(WANTED, state=StatusState.FAILED))
    assert ours.visible() == ["failed"]
