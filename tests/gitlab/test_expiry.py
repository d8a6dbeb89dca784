"""A token's end is said two weeks and three days before it comes, and what GitLab refuses is not sent again."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gate.errors import GateError, Permanent, Temporary
from gate.gitlab.client import GitLab
from gate.gitlab.expiry import Alarm, TokenWatch, state_of
from gate.gitlab.token import TokenRefused
from tests.clocks import HandClock

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FINE = {"active": True, "revoked": False, "scopes": ["api"]}


@dataclass
class Asked:
    """A GitLab that says this of its token."""

    said: Mapping[str, Any] = field(default_factory=dict)
    trouble: GateError | None = None
    address: str = "https://gitlab.example.org"

    def token(self) -> Mapping[str, Any]:
        if self.trouble:
            raise self.trouble
        return self.said


@pytest.mark.parametrize(
    ("said", "alarm", "words"),
    [
        ({**FINE, "expires_at": None}, Alarm.NONE, ""),
        ({**FINE, "expires_at": "2026-12-06"}, Alarm.NONE, ""),
        ({**FINE, "expires_at": "2026-12-05"}, Alarm.SOON, "ends in 13 days, at 2026-12-05; rotate it"),
        ({**FINE, "expires_at": "2026-11-24"}, Alarm.NOW, "ends in 2 days"),
        ({**FINE, "expires_at": "2026-11-21"}, Alarm.NOW, "has ended"),
        ({**FINE, "revoked": True}, Alarm.NOW, "has ended"),
        ({**FINE, "active": False}, Alarm.NOW, "has ended"),
        ({**FINE, "scopes": ["read_api"]}, Alarm.NOW, "no scope `api`"),
        ({**FINE, "expires_at": "soon"}, Alarm.NONE, ""),
        ({}, Alarm.NONE, ""),
    ],
)
def test_what_gitlab_says_of_a_token_means(said: Mapping[str, Any], alarm: Alarm, words: str) -> None:
    state = state_of("https://gitlab.example.org", said, NOW)
    assert (state.alarm, words in state.why, bool(state.why)) == (alarm, True, alarm is not Alarm.NONE)


def test_each_step_towards_the_end_is_said_once(clock: HandClock, caplog: pytest.LogCaptureFixture) -> None:
    watch = TokenWatch([Asked({**FINE, "expires_at": "2026-12-12"})], clock.now)
    with caplog.at_level(logging.INFO):
        for _ in range(24 * 20):
            watch.look()
            clock.advance(timedelta(hours=1))
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    (state,) = watch.states
    assert state.ends == datetime(2026, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("trouble", "refused"), [(Temporary("away"), False), (Permanent("404"), False), (TokenRefused("401"), True)]
)
def test_only_a_refusal_says_that_the_token_is_not_taken(clock: HandClock, trouble: GateError, refused: bool) -> None:
    watch = TokenWatch([Asked(trouble=trouble)], clock.now)
    watch.look()
    assert [state.refused for state in watch.states] == [refused]


def test_two_tokens_for_one_address_are_told_apart(clock: HandClock, caplog: pytest.LogCaptureFixture) -> None:
    watch = TokenWatch([Asked(trouble=TokenRefused("401")), Asked(FINE)], clock.now)
    for _ in range(3):
        watch.look()
    assert [state.refused for state in watch.states] == [True, False]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_refused_token_is_not_sent_again_until_its_file_holds_another(
    scripted, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = ["bad"]
    client = GitLab(scripted.address, lambda: tokens[-1])
    scripted.answers("401 Unauthorized", b'{"message": "401 Unauthorized"}')
    for _ in range(5):
        with pytest.raises(TokenRefused, match="put a valid one into the token file") as error:
            client.user()
    assert error.value.retry_after == 60
    assert len(scripted.heard) == 1
    assert [record.levelname for record in caplog.records if "token_refused" in record.message] == ["ERROR"]
    tokens.append("good")
    scripted.answers("200 OK", b'{"id": 5}')
    assert client.user() == 5
    client.close()


def test_the_hourly_look_tries_a_refused_token_once_more(scripted) -> None:
    client = GitLab(scripted.address, lambda: "token")
    scripted.answers("401 Unauthorized")
    with pytest.raises(TokenRefused):
        client.user()
    scripted.answers("200 OK", json.dumps(FINE).encode())
    assert client.token() == FINE
    scripted.answers("200 OK", b'{"id": 5}')
    assert client.user() == 5
    client.close()
