"""What GitLab's answers mean, row by row of the table."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gate.gitlab.protocol import Answer, Fate, Meaning, Method, Request, get_statuses, meaning

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POST = Request(method=Method.POST, path="/projects/shop%2Fcheckout/statuses/abc")


def said(status: int, body: object = "", **headers: str) -> Meaning:
    raw = body if isinstance(body, str) else json.dumps(body)
    names = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return meaning(POST, Answer(status=status, headers=names, body=raw.encode()), now=NOW)


def refused(event: str, state: str) -> dict[str, str]:
    why = f'Cannot transition status via :{event} from :{state} (Reason(s): Status cannot transition via "{event}")'
    return {"message": why}


@pytest.mark.parametrize(
    ("status", "body", "fate"),
    [
        (200, [], Fate.DONE),
        (201, {"id": 1}, Fate.DONE),
        (302, "", Fate.NEVER),
        (400, refused("run", "running"), Fate.DONE),
        (400, refused("enqueue", "pending"), Fate.DONE),
        (400, refused("enqueue", "running"), Fate.NEVER),
        (400, refused("skip", "running"), Fate.NEVER),
        (400, {"message": "Failed to obtain a lock"}, Fate.LATER),
        (400, {"message": "Attempted to update a stale object: CommitStatus"}, Fate.LATER),
        (400, {"message": {"name": ["has already been taken"]}}, Fate.NEVER),
        (400, {"error": "state does not have a valid value"}, Fate.NEVER),
        (401, {"message": "401 Unauthorized"}, Fate.NEVER),
        (403, {"message": "403 Forbidden"}, Fate.NEVER),
        (403, {"error": "insufficient_scope", "error_description": "needs more"}, Fate.NEVER),
        (403, {"message": "You cannot perform write operations on a read-only instance"}, Fate.LATER),
        (404, {"message": "404 Pipeline for pipeline_id, sha and ref Not Found"}, Fate.NEVER),
        (408, "", Fate.LATER),
        (409, {"message": "409 Conflict: Resource lock"}, Fate.LATER),
        (409, {"message": "another process holds it"}, Fate.LATER),
        (413, "", Fate.NEVER),
        (422, {"message": "The number of jobs has exceeded the limit"}, Fate.NEVER),
        (429, "Retry later\n", Fate.LATER),
        (500, "", Fate.LATER),
        (502, "<html><title>502 Bad Gateway</title></html>", Fate.LATER),
        (503, {"message": "read only"}, Fate.LATER),
        (520, "", Fate.LATER),
    ],
)
def test_each_answer_has_its_fate(status: int, body: object, fate: Fate) -> None:
    assert said(status, body).fate is fate


def test_a_refusal_names_what_gitlab_said_where_and_the_remedy() -> None:
    why = said(400, {"message": {"name": ["has already been taken"]}}).why
    assert "400" in why
    assert "POST /projects/shop%2Fcheckout/statuses/abc" in why
    assert "name has already been taken" in why
    assert "rename" in why


def test_of_an_html_page_only_the_title_is_repeated() -> None:
    why = said(502, "<html><head><title>502\n Bad Gateway</title></head><body>" + "x" * 5000).why
    assert "502 Bad Gateway" in why
    assert len(why) < 200


def test_an_endless_message_is_cut() -> None:
    assert len(said(500, "x" * 100_000).why) < 500


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": format_datetime(NOW + timedelta(seconds=20), usegmt=True)}, 20.0),
        ({"retry_after": format_datetime(NOW - timedelta(seconds=20), usegmt=True)}, 0.0),
        ({"ratelimit_reset": str(int(NOW.timestamp()) + 30)}, 30.0),
        ({"retry_after": "5", "ratelimit_reset": str(int(NOW.timestamp()) + 30)}, 5.0),
        ({"ratelimit_reset": str(int(NOW.timestamp()) + 10**6)}, 300.0),
        ({"retry_after": "99999"}, 300.0),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
def test_gitlab_says_how_long_to_wait_but_not_for_ever(headers: dict[str, str], seconds: float | None) -> None:
    assert said(429, "Retry later", **headers).retry_after == seconds


def test_a_reset_time_counts_only_where_the_limit_was_hit() -> None:
    assert said(409, "", ratelimit_reset=str(int(NOW.timestamp()) + 30)).retry_after is None


def test_statuses_are_filtered_by_gitlab_and_never_by_ref() -> None:
    request = get_statuses("group/sub/shop", "a" * 40, pipeline=7, name="chaos/staging/checkout")
    assert request.path == f"/projects/group%2Fsub%2Fshop/repository/commits/{'a' * 40}/statuses"
    assert (request.query["pipeline_id"], request.query["name"]) == ("7", "chaos/staging/checkout")
    assert "ref" not in request.query
