"""One announcement, brought to GitLab: read, compare, write, check."""

import json
from dataclasses import replace

import pytest

from gate.errors import Permanent, Temporary
from gate.gitlab.client import GitLab
from gate.gitlab.reporter import Reporter
from gate.model import Announcement, Commit, StatusState

SHA = "a" * 40
NAME = "chaos/staging/checkout"
WANTED = Announcement(
    name=NAME,
    commit=Commit(project="shop/checkout", sha=SHA, pipeline=3),
    version="v1",
    state=StatusState.RUNNING,
    description="chaos workflows are running",
)
ROW = {"id": 1, "name": NAME, "status": "running", "sha": SHA, "pipeline_id": 3, "author": {"id": 7}}


@pytest.fixture
def reporter(scripted):
    client = GitLab(scripted.address, lambda: "token")
    yield Reporter(client)
    client.close()


def shows(scripted, *rows: dict) -> None:
    """GitLab has these rows, and we are user 7."""
    scripted.answers("200 OK", json.dumps(rows).encode())
    scripted.answers("200 OK", b'{"id": 7}')


def test_what_is_not_there_is_posted_and_remembered(scripted, reporter) -> None:
    shows(scripted)
    scripted.answers("201 Created", json.dumps(ROW).encode())
    assert reporter.report(WANTED, "https://gate/1") == WANTED.mark
    assert scripted.heard[2].startswith(f"POST /api/v4/projects/shop%2Fcheckout/statuses/{SHA} ".encode())
    body = json.loads(scripted.heard[2].split(b"\r\n\r\n", 1)[1])
    assert body == {
        "state": "running",
        "name": NAME,
        "description": "chaos workflows are running",
        "pipeline_id": 3,
        "target_url": "https://gate/1",
    }


def test_what_is_there_is_left_alone_and_remembered(scripted, reporter) -> None:
    shows(scripted, ROW)
    assert reporter.report(WANTED) == WANTED.mark
    assert len(scripted.heard) == 2


def test_a_refusal_because_another_was_first_is_done(scripted, reporter) -> None:
    shows(scripted)
    scripted.answers(
        "400 Bad Request", b'{"message": "Cannot transition status via :run from :running (Reason(s): x)"}'
    )
    assert reporter.report(WANTED) == WANTED.mark


@pytest.mark.parametrize("other", [{"pipeline_id": 4}, {"name": "default"}, {"sha": "b" * 40}])
def test_a_row_that_was_written_elsewhere_is_an_alarm(scripted, reporter, other: dict) -> None:
    shows(scripted)
    scripted.answers("201 Created", json.dumps(ROW | other).encode())
    with pytest.raises(Permanent, match="GitLab was told chaos/staging/checkout for commit aaaaaaaa in pipeline 3"):
        reporter.report(WANTED)


def test_a_lost_answer_is_tried_again_and_then_found_to_be_done(scripted, reporter) -> None:
    final = replace(WANTED, state=StatusState.SUCCESS)
    shows(scripted, ROW)
    scripted.sends(b"")
    with pytest.raises(Temporary):
        reporter.report(final)
    shows(scripted, ROW | {"status": "success"})
    assert reporter.report(final) == final.mark
    assert [heard.startswith(b"POST") for heard in scripted.heard].count(True) == 1


def test_without_a_pipeline_gitlab_is_not_even_asked(scripted, reporter) -> None:
    with pytest.raises(Permanent, match="nothing says which pipeline"):
        reporter.report(replace(WANTED, commit=replace(WANTED.commit, pipeline=None)))
    assert scripted.heard == []
