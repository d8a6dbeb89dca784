"""Freeze periods: pairs of cron expressions between which nothing should be deployed."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError

from gate.sandbox.gitlab.answers import found, refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import FreezePeriod, Project, Role

INVALID = " is invalid syntax"
"""As GitLab says it, with the space."""


class FreezePeriods:
    """The routes of freeze periods."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._state = asked, asked.state

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        all_of_them, one = f"{PROJECT}/freeze_periods", f"{PROJECT}/freeze_periods/<int:number>"
        return (
            Route(all_of_them, "GET", self._list),
            Route(all_of_them, "POST", self._create),
            Route(one, "GET", self._get),
            Route(one, "PUT", self._change),
            Route(one, "DELETE", self._delete),
        )

    def _list(self, key: str) -> Answer:
        """In the order in which they were made."""
        project, _ = self._asked.seen(key, Role.REPORTER)
        return self._asked.page([_shape(each) for each in project.freeze_periods])

    def _create(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        start, end = self._asked.wanted("freeze_start", "freeze_end")
        now = self._state.now()
        made = FreezePeriod(
            id=self._state.next_id("freeze period"),
            start=start.strip(),
            end=end.strip(),
            zone=str(self._asked.given().get("cron_timezone") or "UTC"),
            created_at=now,
            updated_at=now,
        )
        _check(made)
        project.freeze_periods.append(made)
        return _shape(made), 201

    def _get(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        return _shape(_one(project, number))

    def _change(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        each, given = _one(project, number), self._asked.given()
        changed = FreezePeriod(
            id=each.id,
            start=str(given.get("freeze_start", each.start)).strip(),
            end=str(given.get("freeze_end", each.end)).strip(),
            zone=str(given.get("cron_timezone", each.zone)),
            created_at=each.created_at,
            updated_at=self._state.now(),
        )
        _check(changed)
        project.freeze_periods[project.freeze_periods.index(each)] = changed
        return _shape(changed)

    def _delete(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        project.freeze_periods.remove(_one(project, number))
        return "", 204


def _one(project: Project, number: int) -> FreezePeriod:
    return found(next((each for each in project.freeze_periods if each.id == number), None))


def _check(each: FreezePeriod) -> None:
    """Raises `Refusal` with all that is wrong."""
    said = {"freeze_start": each.start, "freeze_end": each.end}
    wrong = {name: [INVALID] for name, expression in said.items() if not _is_cron(expression)}
    if each.zone not in available_timezones():
        wrong["cron_timezone"] = [INVALID]
    if wrong:
        raise refused(400, wrong)


def _is_cron(expression: str) -> bool:
    try:
        CronSim(expression, datetime.now(UTC))
    except CronSimError:
        return False
    return True


def _shape(each: FreezePeriod) -> dict[str, Any]:
    return {
        "id": each.id,
        "freeze_start": each.start,
        "freeze_end": each.end,
        "cron_timezone": each.zone,
        "created_at": each.created_at,
        "updated_at": each.updated_at,
    }
