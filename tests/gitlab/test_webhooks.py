"""Whether a webhook is GitLab's, and what it is about."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Denied
from gate.gitlab.webhooks import OLDEST, About, insist, is_repository, read
from gate.sandbox.gitlab.webhooks.signing import standard, status_check
from tests.clocks import START

KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
OTHER = "whsec_" + "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
BODY = b'{"object_kind": "push"}'


def signed(body: bytes = BODY, *, key: str = KEY, ago: timedelta = timedelta(0)) -> dict[str, str]:
    return standard(key, number="one", timestamp=str(int((START - ago).timestamp())), body=body)


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({"x-gitlab-token": "s3cret"}, ["other", "s3cret"]),
        (signed(), [OTHER, KEY]),
        (signed(ago=OLDEST), [KEY]),
        (signed(ago=-OLDEST), [KEY]),
        ({**signed(), "webhook-signature": f"v1,old {signed()['webhook-signature']}"}, [KEY]),
        ({name.lower(): value for name, value in status_check("s3cret", BODY).items()}, ["s3cret"]),
    ],
    ids=["a token", "a signature", "an old one", "an early one", "one of two signatures", "a status check"],
)
def test_what_has_the_secret_is_taken(headers: dict[str, str], secrets: list[str]) -> None:
    insist(headers, BODY, secrets, now=START)


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("headers", "secrets", "why"),
    [
        ({}, ["s3cret"], "neither a token nor a signature"),
        ({"x-gitlab-token": "s3cre"}, ["s3cret"], "X-Gitlab-Token"),
        ({"x-gitlab-token": ""}, [""], "neither"),
        ({"x-gitlab-token": "s3cret"}, [], "no secret"),
        ({"x-gitlab-token": KEY}, [KEY], "X-Gitlab-Token"),
        (signed(), [OTHER], "signature"),
        (signed(), ["s3cret"], "signature"),
        (signed(BODY + b" "), [KEY], "signature"),
        ({**signed(), "webhook-id": "two"}, [KEY], "signature"),
        ({**signed(key=OTHER), "x-gitlab-token": "s3cret"}, [KEY, "s3cret"], "signature"),
        (signed(ago=OLDEST + SECOND), [KEY], "five minutes"),
        (signed(ago=-OLDEST - SECOND), [KEY], "five minutes"),
        ({"x-gitlab-signature": "0" * 64}, ["s3cret"], "X-GitLab-Signature"),
    ],
    ids=[
        "nothing", "half a token", "an empty one", "no secrets", "a signing token as token", "another key",
        "no key", "another body", "another number", "a wrong signature beside a right token", "too old", "too early",
        "a made up one",
    ],
)  # fmt: skip
def test_what_has_not_is_refused(headers: dict[str, str], secrets: list[str], why: str) -> None:
    with pytest.raises(Denied, match=why):
        insist(headers, BODY, secrets, now=START)


def test_a_signing_token_that_is_none_is_said() -> None:
    with pytest.raises(Denied, match="not whsec_ followed by Base64"):
        insist(signed(), BODY, ["whsec_%"], now=START)


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ({"object_kind": "push"}, About.PUSH),
        ({"object_kind": "deployment"}, About.DEPLOYMENT),
        ({"object_kind": "pipeline"}, About.PIPELINE),
        ({"object_kind": "merge_request"}, About.OTHER),
        ({"object_kind": "merge_request", "external_approval_rule": {"id": 1}}, About.STATUS_CHECK),
        ({"object_kind": "note"}, About.OTHER),
        ([], About.OTHER),
    ],
)
def test_it_is_about_what_it_says(said: Any, about: About) -> None:
    assert read({}, json.dumps(said).encode()).about is about


@pytest.mark.parametrize(("length", "project"), [(1024, "p" * 1024), (1025, "")])
def test_a_path_that_is_too_long_is_no_projects(length: int, project: str) -> None:
    said = {"object_kind": "deployment", "project": {"path_with_namespace": "p" * length}}
    assert read({}, json.dumps(said).encode()).project == project


@given(
    st.binary() | st.recursive(st.text() | st.none(), lambda inner: st.dictionaries(st.text(), inner)).map(json.dumps)
)
def test_whatever_it_says_it_is_read(said: bytes | str) -> None:
    read({"idempotency-key": "one"}, said.encode() if isinstance(said, str) else said)


@pytest.mark.parametrize(
    "address",
    [
        "https://user:password@gitlab.example.org/platform/catalogue.git",
        "https://gitlab.example.org/platform/catalogue/",
        "git@gitlab.example.org:platform/catalogue.git",
        "ssh://git@gitlab.example.org:2222/Platform/Catalogue.git",
    ],
)
def test_a_project_is_known_by_the_address_of_its_repository(address: str) -> None:
    assert is_repository(address, "platform/catalogue")
    assert not is_repository(address, "form/catalogue")
    assert not is_repository(address, "")
