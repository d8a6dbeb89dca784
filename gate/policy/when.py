"""At what times chaos may be. What is against it now may pass: these rules say wait, never deny."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from gate.policy import mandatory
from gate.policy.question import Question, Ruling, Word
from gate.policy.rules import Policy, Rule, When, Window, matches
from gate.quantities import in_words

DAY = timedelta(days=1)
AHEAD = 15
"""So many days are looked ahead for the next time at which it may be."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def rulings(policy: Policy, question: Question) -> Iterator[Ruling]:
    """What is about the moment of the question."""
    when = policy.when
    yield from _windows(when, question)
    yield from _closed(when, question.at)
    yield from _freezes(when, question.at)
    yield from _freezes_in_gitlab(when, question)
    yield from _alerts(when, question)
    yield from _interval(when, question)
    yield from mandatory.rulings(when, question)


def opens(policy: Policy, question: Question) -> datetime | None:
    """When the clock alone would allow it: the first such moment from then on, if there is one in sight."""
    when, now = policy.when, question.at
    days = [(now.astimezone(when.zone) + n * DAY).date() for n in range(AHEAD)]
    moments = [now, *(_at(when, day, window.start) for day in days for window in when.windows)]
    moments += [_at(when, day, 0) for day in days]
    moments += [each.freeze.end for each in when.freezes]
    moments += [each.end for each in question.freezes]
    for moment in sorted(each for each in moments if each >= now):
        there = replace(question, at=moment)
        asked = (
            _windows(when, question, moment),
            _closed(when, moment),
            _freezes(when, moment),
            _freezes_in_gitlab(when, there),
        )
        if all(ruling.word is Word.ALLOW for each in asked for ruling in each):
            return moment
    return None


def _wait(rule: Rule, why: str) -> Ruling:
    return Ruling(rule=rule.rule, word=Word.WAIT, why=why, place=rule.place)


def _windows(when: When, question: Question, moment: datetime | None = None) -> Iterator[Ruling]:
    local = (moment or question.at).astimezone(when.zone)
    open_now = [window for window in when.windows if _is_in(window, local)]
    for window in open_now:
        why = f"the time is within {_said(window)} {local:%Z}"
        yield Ruling(rule=window.rule, word=Word.ALLOW, why=why, place=window.place)
    if not open_now:
        said = " and ".join(map(_said, when.windows)) or "no window at all"
        first: Rule = when.windows[0] if when.windows else when
        yield _wait(first, f"the time is outside of {said} {local:%Z}")


def _is_in(window: Window, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    if window.start < window.end:
        return local.weekday() in window.days and window.start <= minute < window.end
    return (local.weekday() in window.days and minute >= window.start) or (
        (local - DAY).weekday() in window.days and minute < window.end
    )


def _closed(when: When, moment: datetime) -> Iterator[Ruling]:
    today = moment.astimezone(when.zone).date()
    for rule in when.closed:
        if what := rule.is_closed(today):
            yield _wait(rule, f"{today} is {what}")


def _freezes(when: When, now: datetime) -> Iterator[Ruling]:
    for rule in when.freezes:
        if rule.freeze.start <= now < rule.freeze.end:
            yield _wait(rule, f"frozen until {rule.freeze.end:%Y-%m-%d %H:%M %Z}: {rule.freeze.why}")


def _freezes_in_gitlab(when: When, question: Question) -> Iterator[Ruling]:
    rule = when.gitlab
    if rule is None:
        return
    for freeze in question.freezes:
        if question.at < freeze.end:  # they were on a moment ago
            yield _wait(rule, f"frozen until {freeze.end.astimezone(when.zone):%Y-%m-%d %H:%M %Z}: {freeze.why}")
    for why in question.unheard:
        yield _wait(rule, f"it is not known whether GitLab is frozen: {why}")


def _alerts(when: When, question: Question) -> Iterator[Ruling]:
    for rule in when.not_during:
        if where := {rule.prometheus, rule.alertmanager} & question.silent:
            yield _wait(rule, f"{where.pop()} does not say which alerts fire")
        for alert in sorted(each for each in question.alerts if matches(each, rule.alerts)):
            yield _wait(rule, f"the alert {alert} fires")


def _interval(when: When, question: Question) -> Iterator[Ruling]:
    rule = when.interval
    if rule and question.before and question.at < question.before + rule.least:
        ended = question.before.astimezone(when.zone)
        why = f"the last run there ended at {ended:%H:%M}, and {in_words(rule.least)} have to be between two"
        yield _wait(rule, why)


def _at(when: When, day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, *divmod(minute % (24 * 60), 60), tzinfo=when.zone)


def _said(window: Window) -> str:
    return f"{_days(sorted(window.days))} {_time(window.start)}-{_time(window.end)}"


def _days(days: Sequence[int]) -> str:
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ",".join(DAYS[day] for day in days)


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
