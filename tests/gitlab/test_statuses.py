"""Which request follows from what GitLab shows."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Permanent, Temporary
from gate.gitlab.statuses import Row, next_request, shortened
from gate.model import Announcement, Commit, StatusState

BOT, SOMEBODY = 7, 8
SHA = "a" * 40
COMMIT = Commit(project="shop/checkout", sha=SHA, pipeline=3)
FINAL = {"success", "failed", "canceled", "skipped"}


def wanted(state: StatusState, description: str = "all well") -> Announcement:
    return Announcement(
        name="chaos/staging/checkout", commit=COMMIT, version="v1", state=state, description=description
    )


def row(state: str, **other: object) -> Row:
    usual = Row(
        id=1, name="chaos/staging/checkout", state=state, description="all well", sha=SHA, pipeline=3, author=BOT
    )
    return replace(usual, **other)


def posted(announcement: Announcement, *rows: Row) -> str | None:
    request = next_request(announcement, rows, bot=BOT)
    return None if request is None or request.body is None else request.body["state"]


PENDING, RUNNING, SUCCESS, FAILED, CANCELED = StatusState


@pytest.mark.parametrize(
    ("shown", "state", "post"),
    [
        (None, PENDING, True),
        (None, RUNNING, True),
        (None, SUCCESS, True),
        ("pending", PENDING, False),
        ("pending", RUNNING, True),
        ("pending", SUCCESS, True),
        ("pending", FAILED, True),
        ("running", PENDING, False),
        ("running", RUNNING, False),
        ("running", SUCCESS, True),
        ("running", CANCELED, True),
        ("success", PENDING, False),
        ("success", RUNNING, False),
        ("success", SUCCESS, False),
        ("success", FAILED, True),
        ("failed", RUNNING, False),
        ("failed", FAILED, False),
        ("failed", SUCCESS, True),
        ("canceled", CANCELED, False),
        ("canceled", PENDING, False),
        ("skipped", RUNNING, False),
        ("skipped", FAILED, True),
    ],
)
def test_only_a_step_forward_is_posted(shown: str | None, state: StatusState, post: bool) -> None:
    rows = () if shown is None else (row(shown),)
    assert posted(wanted(state), *rows) == (state.value if post else None)


@pytest.mark.parametrize(
    ("state", "shown", "post"),
    [(SUCCESS, "success", True), (FAILED, "failed", True), (PENDING, "success", False), (RUNNING, "running", False)],
)
def test_a_row_from_before_the_deployment_is_covered_once_there_is_a_verdict_on_what_is_deployed_now(
    state: StatusState, shown: str, post: bool
) -> None:
    began = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    older, newer = (row(shown, created=began + timedelta(seconds=by)) for by in (-1, 1))
    for rows, meant in (([older], post), ([older, replace(newer, id=2)], False), ([row(shown)], False)):
        request = next_request(wanted(state), rows, bot=BOT, since=began)
        assert (request is not None) == meant


def test_another_description_alone_is_not_worth_a_request() -> None:
    assert posted(wanted(RUNNING, "step two"), row("running")) is None
    assert posted(wanted(FAILED, "better told"), row("failed")) is None


@pytest.mark.parametrize(
    "other", [{"author": SOMEBODY}, {"author": None}, {"name": "chaos/staging/cart"}, {"pipeline": 4}]
)
def test_rows_of_others_do_not_count(other: dict[str, object]) -> None:
    assert posted(wanted(SUCCESS), row("success", **other)) == "success"


def test_the_newest_of_our_rows_counts() -> None:
    assert posted(wanted(SUCCESS), row("success", id=5), row("running", id=4)) is None
    assert posted(wanted(SUCCESS), row("running", id=5), row("success", id=4)) == "success"


def test_the_request_names_the_pipeline_and_never_a_ref() -> None:
    request = next_request(wanted(FAILED), (), bot=BOT, target_url="https://gate.example.org/runs/1")
    assert request is not None
    assert request.path == f"/projects/shop%2Fcheckout/statuses/{SHA}"
    assert request.body == {
        "state": "failed",
        "name": "chaos/staging/checkout",
        "description": "all well",
        "pipeline_id": 3,
        "target_url": "https://gate.example.org/runs/1",
    }


@pytest.mark.parametrize("url", ["", "ftp://gate/1", "javascript:alert(1)", "https://gate/" + "x" * 255])
def test_an_address_that_gitlab_would_refuse_is_left_out(url: str) -> None:
    request = next_request(wanted(FAILED), (), bot=BOT, target_url=url)
    assert request is not None
    assert request.body is not None
    assert "target_url" not in request.body


def test_without_a_pipeline_nothing_is_posted_and_the_remedy_is_said() -> None:
    with pytest.raises(Permanent, match=r"chaosgate\.dev/pipeline=\$CI_PIPELINE_ID"):
        next_request(replace(wanted(FAILED), commit=replace(COMMIT, pipeline=None)), (), bot=BOT)


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_name_that_gitlab_would_refuse_is_said(name: str) -> None:
    with pytest.raises(Permanent, match="GitLab takes 1 to 255"):
        next_request(replace(wanted(FAILED), name=name), (), bot=BOT)


def test_a_description_is_cut_at_a_word() -> None:
    text = shortened("checkout answers failed " * 20)
    assert len(text) <= 255
    assert text.endswith((" checkout …", " answers …", " failed …"))


def test_a_description_that_fits_is_left_alone_but_for_line_breaks() -> None:
    assert shortened("one\n  two") == "one two"
    assert shortened("x" * 255) == "x" * 255


@given(st.text())
def test_no_description_is_ever_too_long(text: str) -> None:
    assert len(shortened(text)) <= 255
    assert len(shortened(text * 40)) <= 255


def test_the_mark_differs_where_gitlab_would_show_something_else() -> None:
    seen = wanted(RUNNING)
    others = [
        replace(seen, state=PENDING),
        replace(seen, description="other"),
        replace(seen, commit=replace(COMMIT, pipeline=4)),
        replace(seen, version="v2"),
        replace(seen, name="other"),
    ]
    assert len({one.mark for one in [seen, *others]}) == 6
    assert seen.mark == wanted(RUNNING).mark
    assert seen.mark.startswith("running-")


def test_a_row_that_is_none_is_a_broken_server() -> None:
    with pytest.raises(Temporary, match="not a commit status"):
        Row.parse({"id": 1})


rows = st.builds(
    Row,
    id=st.integers(1, 50),
    name=st.sampled_from(["chaos/staging/checkout", "build"]),
    state=st.sampled_from(["created", "pending", "running", "success", "failed", "canceled", "skipped", "manual"]),
    description=st.text(string.ascii_letters, max_size=5),
    sha=st.just(SHA),
    pipeline=st.sampled_from([3, 4, None]),
    author=st.sampled_from([BOT, SOMEBODY, None]),
)


@given(st.sampled_from(StatusState), st.lists(rows, max_size=8, unique_by=lambda one: one.id))
def test_nothing_that_gitlab_would_refuse_or_double_is_ever_posted(state: StatusState, shown: list[Row]) -> None:
    announcement = wanted(state)
    ours = [one for one in shown if (one.author, one.name, one.pipeline) == (BOT, announcement.name, 3)]
    newest = max(ours, key=lambda one: one.id, default=None)
    request = next_request(announcement, shown, bot=BOT)
    if request is None:
        assert newest is not None
        return
    assert request.body is not None
    assert request.body["pipeline_id"] == 3
    assert "ref" not in request.body
    if newest is not None:
        assert request.body["state"] != newest.state
        assert newest.state not in FINAL or request.body["state"] in FINAL
        assert (newest.state, request.body["state"]) != ("running", "pending")


class ModelGitLab:
    """GitLab's rule for rows of one name, pipeline and user, in ten lines."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def post(self, state: str) -> None:
        live = [one for one in self.rows if one.state not in FINAL]
        assert not live or (live[0].state, state) not in {
            ("running", "running"),
            ("pending", "pending"),
            ("running", "pending"),
        }
        self.rows = [one for one in self.rows if one not in live] + [
            row(state, id=live[0].id if live else len(self.rows) + 1)
        ]


@given(st.lists(st.sampled_from(StatusState), max_size=12))
def test_any_history_ends_in_the_last_final_state_with_no_row_too_many(history: list[StatusState]) -> None:
    gitlab = ModelGitLab()
    for state in history:
        request = next_request(wanted(state), gitlab.rows, bot=BOT)
        if request is not None and request.body is not None:
            gitlab.post(request.body["state"])
        assert next_request(wanted(state), gitlab.rows, bot=BOT) is None
    finals = [state for state in history if state.final]
    changes = [state for before, state in zip([None, *finals], finals, strict=False) if state != before]
    assert [one.state for one in gitlab.rows if one.state in FINAL] == changes
    if finals:
        assert gitlab.rows[-1].state == finals[-1]


OVERRIDDEN = "overridden by jane until 2026-11-21 16:00 UTC: INC-4711"


@pytest.mark.parametrize(
    ("shown", "override", "post"),
    [
        ("all well", "", False),
        ("all well", OVERRIDDEN, True),  # somebody lets it through
        (f"{OVERRIDDEN}; all well", OVERRIDDEN, False),
        (f"{OVERRIDDEN}, he says; all well", OVERRIDDEN, True),  # somebody else has said something else since
        (f"{OVERRIDDEN}; all well", "", True),  # it is over
    ],
)
def test_an_override_and_its_end_are_worth_another_row_in_the_same_state(shown: str, override: str, post: bool) -> None:
    said = replace(wanted(FAILED), override=override)
    request = next_request(said, [row("failed", description=shown)], bot=BOT)
    assert (request is not None) is post
    if request is not None and request.body is not None:
        assert (request.body["state"], request.body["description"]) == ("failed", said.text)


def test_an_override_never_turns_a_state_around() -> None:
    assert posted(replace(wanted(RUNNING), override=OVERRIDDEN), row("failed")) is None
    assert posted(replace(wanted(RUNNING), override=OVERRIDDEN), row("running")) is None
