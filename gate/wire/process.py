"""All that acts in a process of the gate: its parts, built from the settings, and the threads that run them."""

import logging
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from gate.catalogue.subscribed import Subscribed
from gate.cluster.api import Api
from gate.cluster.events import Events
from gate.cluster.executor_jobs import ExecutorJobs
from gate.cluster.gates import Gates
from gate.cluster.heard import Heard
from gate.cluster.known import Known
from gate.cluster.leader import LeaderLease
from gate.cluster.leases import Leases
from gate.cluster.runs import RunJournal, Runs
from gate.cluster.workloads import Workloads
from gate.config import ExecutedBy, Settings
from gate.gitlab.outbox import Outbox
from gate.gitlab.promoter import Promoter
from gate.model import Gate, Judgement, Run, RunStatus, WorkloadName
from gate.policy.mandatory import overdue
from gate.reports.evidence import EvidenceFolder
from gate.reports.shelf import LARGEST
from gate.running.admission import Admission
from gate.running.background import Threads
from gate.running.executor import Executor
from gate.running.job_executor import JobExecutor
from gate.running.judge import judge
from gate.running.ports import Clock, World
from gate.running.reverting import give_up
from gate.running.time import since_boot
from gate.tracking.election import Terms
from gate.tracking.leading import Leading
from gate.tracking.reconciler import Looked, Reconciler
from gate.wire.acting import caps_of, mode_of, outfit_of, permits_of, world_of
from gate.wire.agreeing import Agreeing, Compared
from gate.wire.asking import Together
from gate.wire.comparing import Comparing
from gate.wire.copies import Copies
from gate.wire.due import Due
from gate.wire.echoes import Echoes, RunEchoes
from gate.wire.fetching import Fetching
from gate.wire.freezes import Freezes
from gate.wire.gitlabs import GitLabs, Reported, Upkeep, askers_of, instances_of, readable_now
from gate.wire.hearing import Hearing
from gate.wire.judging import Judging
from gate.wire.keeping import keeping_of
from gate.wire.passing_on import PassingOn
from gate.wire.policing import Policing, account_of, policing_of, policy_of, refusals
from gate.wire.reading import readers_of
from gate.wire.resolving import Resolving
from gate.wire.shown import Shown
from gate.wire.sources import is_read, repository_of, sources_of
from gate.wire.ties import GateStore, RevertNews, RunLeases, RunStore
from gate.wire.vocabulary import vocabulary
from gate.wire.whose import Whose

if TYPE_CHECKING:
    from gate.web.server import Server
    from gate.wire.signing import Signing

log = logging.getLogger(__name__)

TRACKERS = 4
"""Threads that decide; each takes one workload at a time."""
AGAIN = timedelta(seconds=10)
"""How soon to try again what only a mistake of ours can have broken off."""

POLICY = timedelta(seconds=5)
"""How often to look whether the administrators have changed their file."""


class Process:
    """All the parts of one gate process."""

    def __init__(self, settings: Settings, api: Api, clock: Clock, copies: Copies, me: str) -> None:
        """`me` is this replica, and nobody who was ever before. Others keep the `copies` as the cluster is."""
        self._settings, self._api, self._clock, self._me = settings, api, clock, me
        self._background = Threads(self._clock)
        self._stop, self._resign = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._policy = policy_of(settings, self._policy_changed)
        may = refusals(self._policy, account_of(settings), self._clock.now)
        self._subscribed = Subscribed(self._clock.now, settings.namespaces, may)
        self._compared = Compared()
        self._leading = self._make_leading()
        self._fenced = api.fenced(self._leading.insist)
        gates, runs = Echoes(Gates(self._fenced), self._copy_of), RunEchoes(Runs(self._fenced))
        self._together = Together(2 * TRACKERS)
        self._workloads = Workloads(api, together=self._together)
        self._due = Due(
            copies,
            self._subscribed,
            poke=self._poke,
            monotonic=self._clock.monotonic,
            expect=self._workloads.expect,
            is_echo=gates.is_one,
            is_run_echo=runs.is_one,
        )
        self._sources = sources_of(settings)
        self.repository = repository_of(self._sources, settings.state, vocabulary())
        self._fetching = Fetching(
            self.repository,
            self._subscribed,
            Known(self._fenced, settings.namespace),
            leads=self._leading.leads,
            changed=self._catalogue_changed,
            learnt=self._due.everything,
            every=settings.fetch_every,
            draw=random.random,
            clock=self._clock,
        )
        self._gitlabs = self._make_gitlabs()
        self._resolving = self._make_resolving()
        self._reconciler = Reconciler(
            workloads=self._resolving or self._workloads,
            gates=gates,
            runs=runs,
            subscriptions=self._subscribed,
            judge=_judged,
            now=self._clock.now,
        )
        self._signing = self._make_signing()
        self._comparing = Comparing(self._due.workloads, self._look, leads=self._may_decide, now=self._clock.now)
        self._judging = Judging(self._due.by_hand, Runs(self._fenced), _judged, leads=self._leading.leads)
        self._executor = self._make_executor()
        self._outbox = self._make_outbox()
        self._passing_on = self._make_passing_on()
        self._hearing = self._make_hearing()
        self._shown = self._make_shown()
        self._promoter = self._make_promoter()
        self._upkeep = self._make_upkeep()

    # -------------------------------------------------------------------------------------------- what it is made of

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

    def _make_executor(self) -> Executor | JobExecutor:
        api, settings, clock = self._api, self._settings, self._clock
        policing = self._make_policing()
        world = world_of(settings, api, clock, self._background, policing)
        self._admission = Admission(world.admits, clock.monotonic, self._poke)
        store = RunStore(self._due.copies, api)
        leases = RunLeases(Leases(api, self._me, clock.monotonic))
        if settings.executor is ExecutedBy.JOB:
            return JobExecutor(
                store=store,
                leases=leases,
                jobs=ExecutorJobs(self._fenced, outfit_of(settings, self._policy), clock.now),
                clock=clock,
                mode=mode_of(settings, api),
                leads=self._leading.leads,
                end=partial(_end, self._fenced, replace(world, cluster=self._fenced)),
                tell=RevertNews(Events(api, clock.now)),
                caps=caps_of(settings),
                begins=settings.job_begins,
                admission=self._admission,
            )
        return Executor(
            store=store,
            leases=leases,
            world=world,
            mode=mode_of(settings, api),
            permit=permits_of(settings, api, clock, policing),
            fence=api.fenced,
            leads=self._leading.leads,
            record=EvidenceFolder(settings.evidence, settings.keep_evidence, clock.now).of,
            tell=RevertNews(Events(api, clock.now)),
            caps=caps_of(settings),
            admission=self._admission,
        )

    def _make_policing(self) -> Policing:
        """It knows the catalogue and GitLab, and the policy is the one that is watched."""
        gitlab = self._gitlabs.client if self._gitlabs else None
        whose = Whose(self._subscribed, self._due.copies.workloads)
        return replace(
            policing_of(self._settings, self._api, self._clock, self._policy),
            owners=whose.owners,
            freezes=Freezes(whose.projects, gitlab, self._clock.monotonic),
        )

    def _make_gitlabs(self) -> GitLabs | None:
        instances = instances_of(self._settings)
        return GitLabs(instances, self._leading.insist, self._clock) if instances else None

    def _make_resolving(self) -> Resolving | None:
        if self._gitlabs is None:
            return None
        return Resolving(
            self._workloads,
            self._subscribed,
            self._gitlabs.client,
            found=self._due.workloads.add,
            monotonic=self._clock.monotonic,
        )

    def _make_outbox(self) -> Outbox | None:
        if self._gitlabs is None:
            return None
        store = GateStore(self._due.copies, Gates(self._fenced))
        return Outbox(store, self._gitlabs.report, self._link, monotonic=self._clock.monotonic)

    def _make_promoter(self) -> Promoter | None:
        if self._gitlabs is None:
            return None
        store = GateStore(self._due.copies, Gates(self._fenced))
        agree = Agreeing(
            self._shown,
            self._compared,
            may_decide=self._may_decide,
            anew=partial(readable_now, Gates(self._api), self._settings.namespaces),
            now=self._clock.now,
        )
        return Promoter(store, self._gitlabs.of, agree, now=self._clock.now, monotonic=self._clock.monotonic)

    def _make_shown(self) -> Shown:
        return Shown(
            self._due.copies,
            self._subscribed,
            self._due.changes,
            self._fetching,
            self._leading,
            gitlabs=self._gitlabs,
            hearing=self._hearing,
            policy_problem=lambda: self._policy.problem,
            overdue=lambda gates: overdue(self._policy().when, gates, self._clock.now()),
            clock=self._clock,
        )

    def _make_signing(self) -> "Signing | None":
        if self._settings.signing_key is None:
            return None
        from gate.wire.signing import signing_of  # seven megabytes, for those who have something signed

        return signing_of(self._settings, self._clock.now)

    def _make_hearing(self) -> Hearing | None:
        if self._settings.webhook_secrets is None:
            return None
        return Hearing(
            self._settings.webhook_secrets,
            is_catalogue=partial(is_read, self._sources),
            fetch=self._passing_on.fetch,
            look=self._passing_on.look,
            now=self._clock.now,
        )

    def _make_passing_on(self) -> PassingOn:
        return PassingOn(
            Heard(self._api, self._settings.namespace),
            leads=self._leading.leads,
            fetch=self._fetching.hurry,
            look=self._look_now,
            now=self._clock.now,
        )

    def _look_now(self, project: str) -> None:
        """Something has happened in a project of GitLab."""
        if self._resolving:
            self._resolving.hurry(project)
        for gate in self._due.copies.gates():
            wanted = gate.status.promotion
            if self._promoter and wanted and project.lower() in {wanted.project.lower(), wanted.commit.project.lower()}:
                self._promoter.look(gate.namespace, gate.name)
                self._due.gates.add((gate.namespace, gate.name))

    def _make_upkeep(self) -> Upkeep | None:
        if self._gitlabs is None:
            return None
        reported = Reported(self._settings, self._due.copies, self._subscribed, Gates(self._api))
        return Upkeep(self._gitlabs, reported, self._doubt, leads=self._leading.leads, clock=self._clock)

    def _doubt(self) -> None:
        if self._outbox:
            self._outbox.doubt()
        if self._promoter:
            self._promoter.hurry()
        self._due.everything()

    def _link(self, gate: Gate) -> str:
        base = self._settings.public_url
        return f"{base}/gates/{gate.namespace}/{gate.workload.name.kind}/{gate.workload.name.name}" if base else ""

    def web(self) -> "Server":
        """The pages, the JSON API, and whatever else speaks HTTP here; not started yet."""
        from gate.web.answers import lot_of
        from gate.web.app import create_app, unsigned
        from gate.web.server import LARGEST_BODY, SMALL_BODY, Server

        host, port = self._settings.listen
        signed = self._signing.offered if self._signing else unsigned
        keeping = keeping_of(self._settings, self._api, self._clock) if self._settings.evidence_url else None
        app = create_app(
            self._shown,
            askers=askers_of(self._settings),
            readers=readers_of(self._settings, self._api),
            now=self._clock.now,
            signed=signed,
            hearer=self._hearing,
            keeper=keeping,
        )
        return Server(
            app,
            host=host,
            port=port,
            largest=LARGEST if keeping else LARGEST_BODY if self._hearing else SMALL_BODY,
            lot=lot_of(self._shown, self._clock.now),
        )

    # -------------------------------------------------------------------------------------------------- start, stop

    def start(self) -> None:
        """Begin to act."""
        loops: list[tuple[str, Callable[[], None]]] = [
            *((f"track {number}", self._comparing.run) for number in range(TRACKERS)),
            ("gather", self._due.run),
            ("judge", self._judging.run),
            ("execute", partial(self._executor.run, self._stop)),
            ("catalogue", partial(self._fetching.run, self._stop)),
            ("lead", partial(self._leading.run, self._resign)),
            ("policy", self._watch_policy),
        ]
        if self._outbox and self._promoter:
            loops.append(("gitlab", partial(self._deliver, (self._outbox.deliver, self._promoter.promote))))
        if self._hearing:
            loops.append(("webhooks", partial(self._passing_on.run, self._stop)))
        if self._resolving:
            loops.append(("commits", self._resolving.run))
        if self._upkeep:
            loops.append(("upkeep", partial(self._upkeep.run, self._stop)))
        for name, loop in loops:
            self._launch(name, loop)

    def _launch(self, name: str, loop: Callable[[], None]) -> None:
        thread = threading.Thread(target=loop, name=name)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Take back what runs, end every thread, and only then let another replica lead."""
        self._stop.set()
        self._fetching.hurry()
        self._executor.poke()
        if self._upkeep:
            self._upkeep.hurry()
        if self._resolving:
            self._resolving.close()
        self._due.close()
        for thread in self._threads:
            if thread.name != "lead":
                thread.join()
        self._resign.set()
        for thread in self._threads:
            thread.join()
        self._background.close()
        self._admission.close()
        self._together.close()
        self.repository.close()
        if self._gitlabs:
            self._gitlabs.close()

    # ------------------------------------------------------------------------------------- what one tells the others

    def _leading_changed(self, leads: bool) -> None:
        """Who begins to lead compares everything once; who ends has the executor hand over.

        The thread that renews the Lease waits for this, so it only tells others what to do.
        """
        self._compared.begin()
        self._comparing.begin()
        self._fetching.lead(leads)
        if leads:
            self._doubt()
            if self._upkeep:
                self._upkeep.hurry()
        self._executor.poke()
        self._due.changes.ring()

    def _look(self, name: WorkloadName) -> Looked:
        term = self._compared.term
        looked = self._reconciler.look(name)
        self._compared.add(name, term)
        # What was written just now is seen a moment later, and brings the workload here again.
        if self._signing and (gate := self._due.copies.gate_of(name)):
            self._signing.file(gate)
        return looked

    def _copy_of(self, name: WorkloadName) -> Gate | None:
        return self._due.copies.gate_of(name)

    def _may_decide(self) -> bool:
        return self._leading.leads() and self._fetching.may_decide

    def _poke(self) -> None:
        self._executor.poke()

    def _catalogue_changed(self, names: Iterable[WorkloadName]) -> None:
        self._due.named(names)
        self._due.changes.ring()

    def _policy_changed(self) -> None:
        """What was refused may be allowed now, and the other way round."""
        self._due.everything()

    # ---------------------------------------------------------------------------------------------------- the loops

    def _watch_policy(self) -> None:
        while not self._stop.wait(POLICY.total_seconds()):
            self._policy()

    def _deliver(self, tellers: Sequence[Callable[[str, str], timedelta | None]]) -> None:
        due = self._due.gates
        while (key := due.take()) is not None:
            pauses = [_told(tell, key) for tell in tellers] if self._leading.leads() else []
            due.done(key)
            if again := [pause for pause in pauses if pause is not None]:
                due.add(key, after=min(again).total_seconds())


def _told(tell: Callable[[str, str], timedelta | None], key: tuple[str, str]) -> timedelta | None:
    """After how long to come back to a gate."""
    try:
        return tell(*key)
    except Exception:  # a mistake of ours must not end the only thread that speaks to GitLab
        log.exception("gitlab.again gate=%s/%s", *key)
        return AGAIN


def _judged(run: Run) -> tuple[Judgement, int | None]:
    return judge(run.spec, run.status.evidence)


def _end(api: Api, world: World, run: Run, judgement: Judgement) -> RunStatus:
    return give_up(run.status, world, RunJournal(Runs(api), run), judgement)
