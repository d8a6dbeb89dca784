"""The policy in force: from the administrators' document to rules, read anew when the file changes."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gate.documents.boundless import boundless
from gate.documents.loading import LARGEST, load
from gate.documents.policies import PolicyDocument
from gate.documents.policy_forms import DAYS, HolidaysForm, LimitForm, OwnershipForm, PeopleForm, WhenForm, WindowForm
from gate.documents.vocabulary import Vocabulary
from gate.errors import GateError, Permanent
from gate.policy.people import USUAL, Role
from gate.policy.question import Freeze
from gate.policy.rules import (
    WORKING_HOURS,
    Closed,
    Frozen,
    FrozenInGitLab,
    Images,
    Interval,
    Limit,
    Mandatory,
    Namespaces,
    NotDuring,
    Ownership,
    People,
    Policy,
    When,
    Window,
)

log = logging.getLogger(__name__)

NOTHING = Vocabulary(faults={}, probes={}, loads={})
"""A policy has words of its own only."""


class PolicyFile:
    """The policy of a file, as it is now. One that cannot be read any more leaves the last good one in force.

    Thread-safe. Raises `GateError` when it is made and there is no good one to begin with.
    """

    def __init__(self, file: Path, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` hears, without the lock, that another policy was read."""
        self._file, self._changed, self._lock = file, changed, threading.Lock()
        self._seen = self._stamp()
        self.text, self._policy = _read(file)
        """The document as it is in force."""
        self.problem = ""
        """Why the file as it is now is not in force, in one sentence."""

    def __call__(self) -> Policy:
        with self._lock:
            stamp = self._stamp()
            is_new = stamp != self._seen and self._read()
            self._seen, policy = stamp, self._policy
        if is_new:
            self._changed()
        return policy

    def _read(self) -> bool:
        """Whether what the file says now is in force."""
        try:
            (self.text, self._policy), self.problem = _read(self._file), ""
            log.info("policy.read file=%s", self._file)
        except GateError as error:
            self.problem = f"the policy that was read last stays in force: {error}"
            log.error("policy.unread file=%s why=%r", self._file, str(error))  # noqa: TRY400 - the sentence says it all
            return False
        return True

    def _stamp(self) -> tuple[int, int, int]:
        """What is another one when the file is: mounted ConfigMaps are links that are turned to another file."""
        try:
            stat = self._file.stat()
        except OSError:
            return (0, 0, 0)
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def read_policy(file: Path) -> Policy:
    """The only policy of the file. Raises `GateError` that says everything which is wrong."""
    return _read(file)[1]


def _read(file: Path) -> tuple[str, Policy]:
    """The document as it is written, and what it says. Raises `GateError` if it cannot be in force."""
    data = _bytes(file)
    policy = parsed(data, str(file))
    return data.decode("utf-8-sig"), policy


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(LARGEST + 1)
    except OSError as error:
        raise Permanent(f"the policy {file} cannot be read: {error.strerror}") from error


def parsed(data: bytes, name: str) -> Policy:
    """The only policy that is written there. Raises `GateError` that says everything which is wrong."""
    loaded = load(data, name, NOTHING)
    if loaded.problems:
        raise GateError("; ".join(map(str, loaded.problems)))
    for each in loaded.policies:
        for wide in boundless(each):
            log.warning("policy.wide place=%s why=%r", wide.place, f"{wide.path}: {wide.why}")
    if len(loaded.policies) != 1:
        raise Permanent(f"{name} holds {len(loaded.policies)} policies; there must be one document of the kind Policy")
    return policy_of(loaded.policies[0])


def policy_of(document: PolicyDocument) -> Policy:
    """The rules that the document says, and the safe ones where it says nothing."""
    spec, written = document.spec, _Written(document)
    safe = Policy()
    return Policy(
        namespaces=Namespaces(
            **written("namespaces"), opt_in=spec.namespaces.opt_in, protected=tuple(spec.namespaces.protected)
        ),
        ownership=tuple(_ownership(form, written("ownership", n)) for n, form in enumerate(spec.ownership)),
        limits=safe.limits
        if spec.blast_radius is None
        else tuple(_limit(form, written("blastRadius", n)) for n, form in enumerate(spec.blast_radius)),
        when=_when(spec.when, ZoneInfo(spec.time_zone), written),
        images=Images(
            **written("images"),
            registries=tuple(spec.images.registries),
            privileged=tuple(spec.images.privileged),
        )
        if spec.images
        else None,
        people=tuple(_people(form, written("people", n)) for n, form in enumerate(spec.people)),
    )


class _Written:
    """Where the parts of a document stand, as the fields that each rule has."""

    def __init__(self, document: PolicyDocument) -> None:
        self._document = document

    def __call__(self, *path: str | int) -> dict[str, Any]:
        return {"rule": PolicyDocument.called(*path), "place": str(self._document.place(*path))}


def _ownership(form: OwnershipForm, written: dict[str, Any]) -> Ownership:
    return Ownership(
        **written,
        team=form.team,
        paths=tuple(form.paths),
        namespaces=tuple(form.namespaces),
        workloads=tuple(form.workloads),
        faults=tuple(form.faults),
        accounts=tuple(form.accounts),
    )


def _people(form: PeopleForm, written: dict[str, Any]) -> People:
    return People(
        **written,
        role=form.role,
        team=form.team or "",
        groups=tuple(form.groups),
        users=tuple(form.users),
        deeds=USUAL[Role(form.role)] if form.may is None else tuple(form.may),
    )


def _limit(form: LimitForm, written: dict[str, Any]) -> Limit:
    return Limit(
        **written,
        faults=tuple(form.faults),
        namespaces=tuple(form.namespaces),
        allowed=form.allowed,
        pods=form.pods,
        percent=form.percent,
        time=form.time,
        leave_ready=form.leave_ready,
        nodes=tuple(form.nodes),
        zones=tuple(form.zones),
    )


def _when(form: WhenForm, zone: tzinfo, written: _Written) -> When:
    windows = form.windows
    closed = [Closed(**written("when", "holidays", n), is_closed=_holidays(each)) for n, each in _each(form.holidays)]
    if form.dates:
        closed.append(Closed(**written("when", "dates"), is_closed=_dates(frozenset(form.dates))))
    return When(
        **written("when"),
        zone=zone,
        windows=(WORKING_HOURS,)
        if windows is None
        else tuple(_window(each, written("when", "windows", n)) for n, each in _each(windows)),
        closed=tuple(closed),
        freezes=tuple(
            Frozen(
                **written("when", "freezes", n),
                freeze=Freeze(start=_moment(each.start, zone), end=_moment(each.end, zone, last=True), why=each.why),
            )
            for n, each in _each(form.freezes)
        ),
        gitlab=FrozenInGitLab(**written("when", "gitlabFreezes")) if form.gitlab_freezes else None,
        not_during=tuple(
            NotDuring(
                **written("when", "notDuring", n),
                alerts=tuple(each.alerts),
                prometheus=each.prometheus or "",
                alertmanager=each.alertmanager or "",
            )
            for n, each in _each(form.not_during)
        ),
        interval=Interval(**written("when", "minimumInterval"), least=form.minimum_interval)
        if form.minimum_interval
        else None,
        mandatory=tuple(
            Mandatory(
                **written("when", "mandatory", n),
                workflow=each.workflow,
                within=each.within,
                namespaces=tuple(each.namespaces),
            )
            for n, each in _each(form.mandatory)
        ),
    )


def _each(forms: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    return enumerate(forms)


def _window(form: WindowForm, written: dict[str, Any]) -> Window:
    return Window(
        **written,
        days=frozenset(DAYS.index(day) for day in form.days),
        start=_minutes(form.start),
        end=_minutes(form.end),
    )


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return 60 * int(hours) + int(minutes)


def _moment(text: str, zone: tzinfo, *, last: bool = False) -> datetime:
    """A date is its first moment, or the first one after it."""
    moment = datetime.fromisoformat(text)
    if last and len(text) == len("2026-12-24"):
        moment += timedelta(days=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _dates(dates: frozenset[date]) -> Callable[[date], str]:
    return lambda day: "a day on which nothing is done" if day in dates else ""


def _holidays(form: HolidaysForm) -> Callable[[date], str]:
    """Raises `Permanent` where the package is missing, or knows no such country."""
    try:
        import holidays
    except ImportError:
        raise Permanent("the policy needs the Python package holidays; install chaos-gate[holidays]") from None
    try:
        known = holidays.country_holidays(form.country, subdiv=form.subdivision)
    except NotImplementedError as error:
        raise Permanent(f"there are no holidays of {form.country} {form.subdivision or ''}: {error}") from error
    return lambda day: str(known.get(day) or "")


class InForce:
    """The policy in force, with what the settings add to it. Thread-safe."""

    def __init__(self, source: PolicyFile | None, fixed: Policy, own: str, nodes: Sequence[str], text: str) -> None:
        """`fixed` is for where there is no file, and `text` what it was read from."""
        self._source, self._fixed, self._own, self._nodes, self._text = source, fixed, own, nodes, text

    def __call__(self) -> Policy:
        base, nodes = self._source() if self._source else self._fixed, self._nodes
        limits = tuple(replace(each, nodes=(*each.nodes, *nodes)) if each.allowed else each for each in base.limits)
        return replace(base, own=frozenset({self._own}), limits=limits if nodes else base.limits)

    def document(self) -> str:
        """What is in force now as it is written, for somebody who has no file; empty for the safe default."""
        if self._source is None:
            return self._text
        self._source()
        return self._source.text

    @property
    def problem(self) -> str:
        """Why the file as it was when it was last asked for is not in force; empty if it is."""
        return self._source.problem if self._source else ""


def in_force(
    *,
    file: Path | None,
    text: str,
    zone: str,
    own: str,
    nodes: Sequence[str],
    changed: Callable[[], None] = lambda: None,
) -> InForce:
    """The policy of the file or text, or the safe default with working hours of that zone; with what the settings add:
    the gate's own namespace is protected, and these nodes may be hit. Raises `GateError` if it cannot be read at all.

    Whoever asks for it and finds that the file has become another policy, tells `changed`.
    """
    source = PolicyFile(file, changed) if file else None
    fixed = parsed(text.encode(), "the policy") if text else Policy()
    if not text:
        fixed = replace(fixed, when=replace(fixed.when, zone=UTC if zone == "UTC" else ZoneInfo(zone)))
    return InForce(source, fixed, own, nodes, text)
