"""How long a GitLab token will be taken, and from when on somebody is told: one that ends silently ends all reports."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from typing import Any, Protocol

from gate.errors import GateError, Permanent
from gate.gitlab.token import TokenRefused

log = logging.getLogger(__name__)

SOON, VERY_SOON = timedelta(days=14), timedelta(days=3)


class Alarm(IntEnum):
    """How loudly something is said of a token, by the level of the log."""

    NONE = logging.INFO
    SOON = logging.WARNING
    NOW = logging.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """What is known of one token."""

    address: str
    """Of the GitLab that it is for."""
    ends: datetime | None = None
    """None: it does not say, or never."""
    alarm: Alarm = Alarm.NONE
    refused: bool = False
    """GitLab does not take it, or does not let it write."""
    why: str = ""
    """What is wrong with it, or will be, with the remedy; empty if nothing is."""


class Tokens(Protocol):
    """A GitLab, as far as its token is concerned."""

    address: str

    def token(self) -> Mapping[str, Any]:
        """What GitLab says of the token, which it is asked with also if it was refused before."""
        ...


def state_of(address: str, said: Mapping[str, Any], now: datetime) -> TokenState:
    """What GitLab's answer means at this moment. A token ends when the day of `expires_at` begins, UTC."""
    ends = _moment(said.get("expires_at"))
    what = f"the token for {address}"
    if said.get("revoked") or said.get("active") is False or (ends and ends <= now):
        return TokenState(
            address=address, ends=ends, alarm=Alarm.NOW, refused=True, why=f"{what} has ended; make another one"
        )
    if said.get("scopes") is not None and "api" not in said["scopes"]:
        why = f"{what} has no scope `api`; make another one that has it"
        return TokenState(address=address, ends=ends, alarm=Alarm.NOW, refused=True, why=why)
    if ends is None or ends - now > SOON:
        return TokenState(address=address, ends=ends)
    alarm = Alarm.NOW if ends - now <= VERY_SOON else Alarm.SOON
    days = (ends - now) // timedelta(days=1)
    why = f"{what} ends in {days} days, at {ends:%Y-%m-%d}; rotate it, which keeps its user, and renew its file"
    return TokenState(address=address, ends=ends, alarm=alarm, why=why)


def _moment(text: object) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(str(text)), time(), UTC)
    except ValueError:
        return None


class TokenWatch:
    """The last state of each token; says what changed once."""

    def __init__(self, gitlabs: Sequence[Tokens], now: Callable[[], datetime]) -> None:
        self._gitlabs, self._now = gitlabs, now
        self._states = [TokenState(address=each.address) for each in gitlabs]  # two may have one address

    @property
    def states(self) -> Sequence[TokenState]:
        """As they were seen last, in the order of the settings."""
        return tuple(self._states)

    def look(self) -> None:
        """Ask each GitLab about its token. One that cannot be asked now leaves what was known."""
        for number, gitlab in enumerate(self._gitlabs):
            before = self._states[number]
            state = self._states[number] = self._state(gitlab, before)
            if state.alarm > before.alarm:
                log.log(state.alarm, "gitlab.token address=%s why=%r", state.address, state.why)

    def _state(self, gitlab: Tokens, known: TokenState) -> TokenState:
        try:
            return state_of(gitlab.address, gitlab.token(), self._now())
        except Permanent as error:  # before GitLab 15.5 a token could not be asked about
            log.debug("gitlab.token_unknown address=%s why=%r", gitlab.address, str(error))
            return TokenState(address=gitlab.address)
        except TokenRefused as error:
            return TokenState(address=gitlab.address, ends=known.ends, alarm=Alarm.NOW, refused=True, why=str(error))
        except GateError as error:
            log.debug("gitlab.token_unknown address=%s why=%r", gitlab.address, str(error))
            return known
