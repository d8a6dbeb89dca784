"""Where the parts meet: builds them from the settings, ties them together, and runs them until told to stop."""

import logging
import os
import random
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from gate.catalogue.repository import Repository
from gate.catalogue.subscribed import Subscribed
from gate.cluster.api import Api, Form, Json
from gate.cluster.gates import API_VERSION, Gates, gate_from, gate_name
from gate.cluster.kinds import KINDS
from gate.cluster.known import Known
from gate.cluster.leader import LeaderLease
from gate.cluster.leases import LASTS, Leases
from gate.cluster.mirror import Key, Mirror
from gate.cluster.mode import read_mode
from gate.cluster.names import services_of
from gate.cluster.runs import FINALIZER, RunJournal, Runs, run_from
from gate.cluster.workloads import Workloads
from gate.config import Resolve, Settings
from gate.documents.catalogue import Catalogue
from gate.documents.vocabulary import ProbeForms, Vocabulary
from gate.errors import Conflict, GateError, Permanent
from gate.faults import FAULTS
from gate.gitlab.client import GitLab
from gate.gitlab.outbox import Outbox
from gate.gitlab.protocol import Request
from gate.gitlab.reporter import Reporter
from gate.gitlab.statuses import Row
from gate.loads import LOADS
from gate.model import (
    Gate,
    Judgement,
    Reason,
    Run,
    Subscription,
    Target,
    Workflow,
    WorkloadKind,
    WorkloadName,
    WorkloadSelector,
)
from gate.policy.allow import Policy
from gate.probes import PROBES
from gate.running.background import Threads
from gate.running.execution import Fenced
from gate.running.executor import Executor, Insist
from gate.running.judge import judge
from gate.running.permit import Permit
from gate.running.ports import Clock, World, nobody
from gate.running.reverting import revert_all
from gate.running.time import SystemClock, since_boot
from gate.tracking.election import Terms
from gate.tracking.judgements import asks_for
from gate.tracking.leading import Leading
from gate.tracking.queue import WorkQueue
from gate.tracking.reconciler import Reconciler
from gate.web.app import create_app
from gate.web.changes import Changes
from gate.web.server import Server
from gate.web.views import Readiness, Watch

log = logging.getLogger(__name__)

T = TypeVar("T")

TRACKERS = 4
"""Threads that decide; each takes one workload at a time."""
AGAIN = timedelta(seconds=2)
"""How soon to try a comparison again that broke off."""
SOON = timedelta(milliseconds=50)
"""How soon, if it broke off because something was written meanwhile."""


def vocabulary() -> Vocabulary:
    """The kinds of faults, probes and loads that there are."""
    return Vocabulary(
        faults={kind: fault.Settings for kind, fault in FAULTS.items()},
        probes={kind: ProbeForms(settings=probe.Settings, expect=probe.Expect) for kind, probe in PROBES.items()},
        loads={kind: load.Settings for kind, load in LOADS.items()},
    )


def serve(settings: Settings, stop: threading.Event) -> None:
    """Run the gate until `stop` is set. What breaks on the way is tried again; only what cannot start is raised."""
    me = _identity()
    # Up to the slash it is the manager of the fields that we write: one for all replicas that ever were.
    api = Api.from_environment(agent=f"chaos-gate/{me}")
    process = _Process(settings, api, me)
    with ExitStack() as running:
        server = running.enter_context(process.web())
        log.info("gate.start replica=%s kubernetes=%s web=%s", me, api.host, server.address)
        log.info("gate.start catalogue=%s", process.repository.shown)
        running.callback(process.close)
        process.start()
        stop.wait()
        log.info("gate.stop")


def reap(api: Api) -> tuple[int, list[str]]:
    """Take back whatever runs left behind whose executor is dead; needs nothing but the records in the cluster.

    Returns how many runs were put right, and a sentence for each that could not be.
    """
    clock = SystemClock()
    leases = _RunLeases(Leases(api, _identity(), clock.monotonic))
    world = World(
        cluster=api,
        workloads=Workloads(api),
        permission=lambda *_: None,
        clock=clock,
        background=Threads(clock),
        resolve=str,
        faults=FAULTS,
        probes=PROBES,
        loads=LOADS,
    )
    done, (guarded, left) = 0, _guarded(api)
    held = [run for run in guarded if not leases.watch(run)]
    if held:  # whether their executors are dead, only time tells
        clock.wait(threading.Event(), LASTS.total_seconds())
    for run in guarded:
        try:
            if not leases.hold(run, clock.now()):
                continue
            fenced = api.fenced(partial(_insist_on, leases, run, clock))
            try:
                status = revert_all(run.status, replace(world, cluster=fenced), RunJournal(Runs(fenced), run))
            finally:
                leases.release(run)
        except GateError as error:
            left.append(f"{run.namespace}/{run.name}: {error}")
            continue
        still = [undo for undo in status.evidence.undo if undo.reverted is None]
        left += [f"{run.namespace}/{run.name}: {undo.fault} of {undo.target.name}: {undo.error}" for undo in still]
        done += not still
    return done, left


def _guarded(api: Api) -> tuple[list[Run], list[str]]:
    """The runs that have something left to take back, and a sentence for each of them that cannot be read."""
    runs, unreadable = [], []
    for item in api.list("chaosruns")[0]:
        if FINALIZER in (item["metadata"].get("finalizers") or ()):
            try:
                runs.append(run_from(item))
            except Permanent as error:
                unreadable.append(str(error))
    return runs, unreadable


def _insist_on(leases: "_RunLeases", run: Run, clock: Clock) -> None:
    """Beat before each write of a reaper; raises `Fenced` if an executor took the run meanwhile."""
    if not leases.hold(run, clock.now()):
        raise Fenced(f"the run {run.name} belongs to an executor now")


def preview(
    api: Api, name: WorkloadName, workflows: Sequence[Workflow]
) -> tuple[str, dict[tuple[str, str], list[Target]]]:
    """The version that runs, and for each workflow and step what it would hit now. Only `plan` is called: it reads."""
    workloads = Workloads(api)
    rollout = workloads.rollout(name)
    if rollout is None:
        raise Permanent(f"there is no {name} in the cluster at {api.host}")
    targets = {}
    for workflow in workflows:
        for step in workflow.steps:
            hit = step.target or name
            planned = FAULTS[step.fault].plan(step, hit, workloads.ready_pods(hit), "plan", api)
            targets[workflow.name, step.name] = [undo.target for undo in planned]
    return rollout.version.key if rollout.version else "", targets


def selected(api: Api, selector: WorkloadSelector) -> list[WorkloadName]:
    """The workloads that a selector finds now."""
    found = []
    for item in api.list(KINDS[selector.kind].RESOURCE, form=Form.METADATA)[0]:
        metadata = item["metadata"]
        name = WorkloadName(kind=selector.kind, namespace=metadata["namespace"], name=metadata["name"])
        if selector.matches(name, _labels_of(item)):
            found.append(name)
    return found


class _Process:
    """All the parts of one gate process."""

    def __init__(self, settings: Settings, api: Api, me: str) -> None:
        """`me` is this replica, and nobody who was ever before."""
        self._settings, self._api, self._me = settings, api, me
        self._clock = SystemClock()
        self._background = Threads(self._clock)
        self._stop, self._refetch, self._resign = threading.Event(), threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._changes = Changes()
        self._workloads_due: WorkQueue[WorkloadName] = WorkQueue(self._clock.monotonic)
        self._gates_due: WorkQueue[Key] = WorkQueue(self._clock.monotonic)
        self._subscribed = Subscribed(self._clock.now)
        self._leading = self._make_leading()
        fenced = api.fenced(self._leading.insist)
        self._known = Known(fenced, settings.namespace)
        self.repository = Repository(
            settings.catalogue, settings.branch, settings.state / "catalogue.git", vocabulary()
        )
        self._mirrors()
        self._gates_store = Gates(fenced)
        self._reconciler = Reconciler(
            workloads=Workloads(api),
            gates=self._gates_store,
            runs=Runs(fenced),
            subscriptions=self._subscribed,
            judge=_judged,
            now=self._clock.now,
        )
        self._executor = self._make_executor()
        self._outbox = self._make_outbox()
        self._catalogue_problem = ""

    # -------------------------------------------------------------------------------------------- what it is made of

    def _mirrors(self) -> None:
        api, scopes = self._api, self._settings.namespaces or ("",)
        self._workloads = {
            kind: [
                Mirror(
                    api,
                    KINDS[kind].RESOURCE,
                    scope,
                    _labels_of,
                    partial(self._key_changed, kind),
                    form=Form.METADATA,
                    optional=kind is not WorkloadKind.DEPLOYMENT,  # Rollouts may come later, the sandbox has no others
                )
                for scope in scopes
            ]
            for kind in WorkloadKind
        }
        self._gates = [Mirror(api, "chaosgates", scope, _readable(gate_from), self._gate_changed) for scope in scopes]
        self._runs = [Mirror(api, "chaosruns", scope, _readable(run_from), self._run_changed) for scope in scopes]

    def _make_leading(self) -> Leading:
        terms = Terms()
        hurried = self._api.hurried(terms.retry.total_seconds())
        return Leading(
            LeaderLease(hurried, self._settings.namespace, self._clock.now),
            self._me,
            monotonic=since_boot,
            draw=random.random,
            changed=self._leading_changed,
            terms=terms,
        )

    def _make_executor(self) -> Executor:
        api, settings = self._api, self._settings
        read = partial(read_mode, api, settings.namespace)
        policy = Policy(protected=Policy().protected | {settings.namespace}, nodes=settings.nodes)
        labels = partial(_labels, api)
        world = World(
            cluster=api,
            workloads=Workloads(api),
            permission=lambda *_: None,  # each run is given its own, which knows when that run must stop
            clock=self._clock,
            background=self._background,
            resolve=services_of(api) if settings.resolve is Resolve.SERVICES else str,
            faults=FAULTS,
            probes=PROBES,
            loads=LOADS,
            credentials=settings.credentials or nobody,
        )
        permit = partial(Permit, policy=policy, mode=read, labels=labels, clock=self._clock)
        return Executor(
            store=_RunStore(self.runs, api),
            leases=_RunLeases(Leases(api, self._me, self._clock.monotonic)),
            world=world,
            mode=read,
            permit=lambda stop: permit(stop=stop),
            fence=api.fenced,
            leads=self._leading.leads,
        )

    def _make_outbox(self) -> Outbox | None:
        settings = self._settings
        if not settings.gitlab_url or settings.gitlab_token is None:
            return None
        gitlab = GitLab(settings.gitlab_url, settings.gitlab_token)
        reporter = Reporter(_FencedGitLab(gitlab, self._leading.insist))
        return Outbox(_GateStore(self._gates, self._gates_store), reporter.report, self._link)

    def web(self) -> Server:
        host, port = self._settings.listen
        return Server(create_app(self), host=host, port=port)

    # -------------------------------------------------------------------------------------------------- start, stop

    def start(self) -> None:
        loops: list[tuple[str, Callable[[], None]]] = [
            *(
                (f"watch {number}", partial(mirror.run, self._stop))
                for number, mirror in enumerate(self._all_mirrors())
            ),
            *((f"track {number}", self._track) for number in range(TRACKERS)),
            ("execute", partial(self._executor.run, self._stop)),
            ("catalogue", self._fetch),
            ("lead", partial(self._leading.run, self._resign)),
        ]
        if self._outbox:
            loops.append(("gitlab", self._deliver))
        for name, loop in loops:
            # Watches block in reads that nothing but the server ends: they may not hold the process back.
            thread = threading.Thread(target=loop, name=name, daemon=name.startswith("watch"))
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Take back what runs, end every thread, and only then let another replica lead."""
        self._stop.set()
        self._refetch.set()
        self._executor.poke()
        self._workloads_due.close()
        self._gates_due.close()
        self._changes.close()
        lasting = [thread for thread in self._threads if not thread.daemon]
        for thread in lasting:
            if thread.name != "lead":
                thread.join()
        self._resign.set()
        for thread in lasting:
            thread.join()
        self._background.close()
        self.repository.close()

    # --------------------------------------------------------------------------------------------- events are hints

    def _key_changed(self, kind: WorkloadKind, key: Key) -> None:
        name = WorkloadName(kind=kind, namespace=key[0], name=key[1])
        labels = next((kept for mirror in self._workloads[kind] if (kept := mirror.get(key))), {})
        if self._subscribed.is_claimed(name, labels) or self._gate_of(name):
            self._workloads_due.add(name)

    def _leading_changed(self, leads: bool) -> None:
        """Who begins to lead compares everything once; who ends has the executor hand over."""
        if leads:
            self._look_at_all()
            self._refetch.set()
        self._executor.poke()
        self._changes.ring()

    def _look_at_all(self) -> None:
        """Every gate, and every workload that a gate or a subscription is about."""
        for gate in self.gates():
            self._workloads_due.add(gate.workload.name)
            self._gates_due.add((gate.namespace, gate.name))
        for name in self._subscribed.catalogue.workloads() if self._subscribed.catalogue else ():
            self._workloads_due.add(name)
        for name, labels in self._present():
            if self._subscribed.is_claimed(name, labels):
                self._workloads_due.add(name)

    def _gate_of(self, name: WorkloadName) -> Gate | None:
        return _find(self._gates, (name.namespace, gate_name(name)))

    def _gate_changed(self, key: Key) -> None:
        gate = _find(self._gates, key)
        if gate:
            self._workloads_due.add(gate.workload.name)
        else:  # somebody deleted it: its workload, if that is still there, needs another one
            for name, _ in self._present():
                if (name.namespace, gate_name(name)) == key:
                    self._workloads_due.add(name)
        self._gates_due.add(key)
        self._changes.ring()

    def _run_changed(self, key: Key) -> None:
        run = _find(self._runs, key)
        if run:
            self._workloads_due.add(run.spec.workload.name)
        else:
            for gate in self.gates():
                if gate.namespace == key[0]:
                    self._workloads_due.add(gate.workload.name)
        self._executor.poke()
        self._changes.ring()

    # ---------------------------------------------------------------------------------------------------- the loops

    def _track(self) -> None:
        while (name := self._workloads_due.take()) is not None:
            again: float | None = None
            if not self._leading.leads():  # whoever begins to lead looks at everything
                self._workloads_due.done(name)
                continue
            try:
                if wake := self._reconciler.reconcile(name):
                    again = max(0.0, (wake - self._clock.now()).total_seconds())
            except Conflict as error:  # somebody wrote it since it was read, as things should be: compare anew
                log.debug("decide.again workload=%s why=%r", name, str(error))
                again = SOON.total_seconds()
            except GateError as error:
                log.warning("decide.again workload=%s why=%r", name, str(error))
                again = AGAIN.total_seconds()
            except Exception:  # a mistake of ours about one workload must not end the thread that serves all others
                log.exception("decide.again workload=%s", name)
                again = 5 * AGAIN.total_seconds()
            self._workloads_due.done(name)
            if again is not None:
                self._workloads_due.add(name, after=again)

    def _deliver(self) -> None:
        while self._outbox and (key := self._gates_due.take()) is not None:
            again: timedelta | None = None
            if not self._leading.leads():  # as above
                self._gates_due.done(key)
                continue
            try:
                again = self._outbox.deliver(*key)
            except Exception:  # as above
                log.exception("gitlab.again gate=%s/%s", *key)
                again = 5 * AGAIN
            self._gates_due.done(key)
            if again is not None:
                self._gates_due.add(key, after=again.total_seconds())

    def _fetch(self) -> None:
        """Keep the catalogue fresh. While git is away the last revision that was fetched stays in force."""
        while not self._stop.is_set():
            fetched = self._clock.now()
            self._refetch.clear()
            try:
                self.repository.fetch()
                self._catalogue_problem = ""
            except GateError as error:
                log.warning("catalogue.stale revision=%s why=%r", self._subscribed.revision or "-", str(error))
                self._catalogue_problem, fetched = (
                    str(error),
                    self._last_fetch() or self.repository.fetched() or fetched,
                )
            try:
                self._subscribed.knew(self._known.read())
                self._put(self.repository.read(fetched))
                if self._leading.leads():
                    self._known.save(self._subscribed.known)
            except GateError as error:
                log.warning("catalogue.unread why=%r", str(error))
            except Exception:  # a mistake of ours about one revision must not keep the next one from being read
                log.exception("catalogue.unread")
            pause = self._settings.fetch_every if self._subscribed.revision else AGAIN
            if not self._stop.is_set():
                self._clock.wait(self._refetch, pause.total_seconds())

    def _put(self, catalogue: Catalogue) -> None:
        new = catalogue.revision != self._subscribed.revision
        spoken_of = self._subscribed.put(catalogue)
        if new:
            log.info(
                "catalogue.read revision=%s subscriptions=%d workflows=%d broken=%d",
                catalogue.revision[:8],
                len(catalogue.loaded.subscriptions),
                len(catalogue.loaded.workflows),
                len(catalogue.loaded.broken),
            )
            for problem in catalogue.loaded.problems:
                log.error("catalogue.broken why=%r", str(problem))
            for name in spoken_of:
                self._workloads_due.add(name)
            for name, labels in self._present():
                if self._subscribed.is_claimed(name, labels) or self._gate_of(name):
                    self._workloads_due.add(name)
            self._changes.ring()

    def _last_fetch(self) -> datetime | None:
        catalogue = self._subscribed.catalogue
        return catalogue.fetched if catalogue else None

    # ------------------------------------------------------------------------------------------- what the web shows

    def gates(self) -> Sequence[Gate]:
        return [gate for mirror in self._gates for gate in mirror.all() if gate]

    def runs(self) -> Sequence[Run]:
        return [run for mirror in self._runs for run in mirror.all() if run]

    def subscriptions(self) -> Sequence[Subscription] | None:
        return self._subscribed.applied(self._present())

    def changed(self, since: int, timeout: float) -> int:
        return self._changes.changed(since, timeout)

    def watches(self) -> Sequence[Watch]:
        return [
            Watch(resource=mirror.resource, namespace=mirror.namespace, lists=mirror.lists, lag=mirror.lag)
            for mirror in self._all_mirrors()
        ]

    def readiness(self) -> Readiness:
        fetched = self._last_fetch()
        watches = [mirror.problem for mirror in self._all_mirrors() if mirror.problem]
        refused = sorted({gate.reported for gate in self.gates() if gate.reported})
        catalogue = self._subscribed.catalogue
        broken = [str(problem) for problem in catalogue.loaded.problems] if catalogue else []
        problems = {
            "leader": self._leading.problem,
            "catalogue": self._catalogue_problem,
            "watch": "; ".join(watches),
            "documents": "; ".join(broken),
            "workloads": "; ".join(self._absent()),
        }
        return Readiness(
            ready=catalogue is not None and all(mirror.synced.is_set() for mirror in self._all_mirrors()),
            revision=self._subscribed.revision,
            catalogue_age=self._clock.now() - fetched if fetched else None,
            watch_lag=max((lag for mirror in self._all_mirrors() if (lag := mirror.lag)), default=None),
            gitlab="; ".join(refused) or ("ok" if self._outbox else "not configured"),
            leads=self._leading.leads(),
            leader=self._leading.leader,
            problems={name: text for name, text in problems.items() if text},
        )

    def _absent(self) -> list[str]:
        """Subscriptions to what is not there: shown, because a misspelt name would otherwise never be noticed."""
        present = {name for name, _ in self._present()}
        return [
            f"{each.place}: {each.name} subscribes {each.workload}, which is not in the cluster"
            for each in self.subscriptions() or ()
            if each.workload not in present
        ]

    def _present(self) -> Iterator[tuple[WorkloadName, Mapping[str, str]]]:
        """The workloads of all kinds, with their labels."""
        for kind, mirrors in self._workloads.items():
            for mirror in mirrors:
                for (namespace, name), labels in mirror.items():
                    yield WorkloadName(kind=kind, namespace=namespace, name=name), labels

    def _all_mirrors(self) -> Sequence[Mirror[Mapping[str, str]] | Mirror[Gate | None] | Mirror[Run | None]]:
        workloads = [mirror for mirrors in self._workloads.values() for mirror in mirrors]
        return [*workloads, *self._gates, *self._runs]

    def _link(self, gate: Gate) -> str:
        base = self._settings.public_url
        return f"{base}/gates/{gate.namespace}/{gate.workload.name.kind}/{gate.workload.name.name}" if base else ""


def _identity() -> str:
    """Who holds a lease: this process, and never one that had its number before."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


class _RunStore:
    """The mirrored runs, with the journal of each."""

    def __init__(self, every: Callable[[], Sequence[Run]], api: Api) -> None:
        self._every, self._api = every, api

    def all(self) -> Sequence[Run]:
        return self._every()

    def read(self, run: Run) -> Run | None:
        """A run that its gate does not wait for, because it was made too late, has only to be ended."""
        found = Runs(self._api).get(run.namespace, run.name)
        if found is None or found.begun or asks_for(Gates(self._api).get(found.spec.workload.name), found):
            return found
        return replace(found, abort=found.abort or Reason.SUPERSEDED)

    def journal(self, run: Run, insist: Insist) -> RunJournal:
        return RunJournal(Runs(self._api.fenced(insist)), run)


class _RunLeases:
    """The lease of a run has its name, and goes with it."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def hold(self, run: Run, now: datetime) -> bool:
        owner = {"apiVersion": API_VERSION, "kind": "ChaosRun", "name": run.name, "uid": run.uid}
        return self._leases.hold(run.namespace, run.name, now, owner)

    def watch(self, run: Run) -> bool:
        return self._leases.watch(run.namespace, run.name)

    def release(self, run: Run) -> None:
        self._leases.release(run.namespace, run.name)


class _GateStore:
    """The mirrored gates, with the reporter's part of their status."""

    def __init__(self, mirrors: Sequence[Mirror[Gate | None]], gates: Gates) -> None:
        self._mirrors, self._gates = mirrors, gates

    def latest(self, namespace: str, name: str) -> Gate | None:
        return _find(self._mirrors, (namespace, name))

    def save_accepted(self, gate: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        self._gates.save_accepted(gate, accepted, problem)


class _FencedGitLab:
    """GitLab, which is told something only while this replica leads."""

    def __init__(self, gitlab: GitLab, insist: Insist) -> None:
        self._gitlab, self._insist = gitlab, insist

    def user(self) -> int:
        return self._gitlab.user()

    def statuses(self, project: str, sha: str, *, pipeline: int, name: str) -> Sequence[Row]:
        return self._gitlab.statuses(project, sha, pipeline=pipeline, name=name)

    def send(self, request: Request) -> Any:
        self._insist()
        return self._gitlab.send(request)


def _find(mirrors: Sequence[Mirror[T | None]], key: Key) -> T | None:
    return next((found for mirror in mirrors if (found := mirror.get(key))), None)


def _judged(run: Run) -> tuple[Judgement, int | None]:
    return judge(run.spec, run.status.evidence)


def _labels(api: Api, namespace: str) -> Mapping[str, str]:
    found = api.get("namespaces", "", namespace)
    if found is None:
        raise Permanent(f"there is no namespace {namespace}")
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels


def _labels_of(item: Json) -> Mapping[str, str]:
    """Of a workload no more is kept than what subscriptions may select it by: it is read anew whenever it counts."""
    return item["metadata"].get("labels") or {}


def _readable(parse: Callable[[Json], T]) -> Callable[[Json], T | None]:
    """An object of ours that cannot be read is told about, and does not keep the others from being seen."""

    def keep(item: Json) -> T | None:
        try:
            return parse(item)
        except Permanent as error:
            log.error("object.unreadable why=%r", str(error))  # noqa: TRY400 - the sentence says it all
            return None

    return keep
