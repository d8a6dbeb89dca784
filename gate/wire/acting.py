"""What acts on the cluster for runs, made from the settings: the same for the gate's own threads and for a Job."""

from collections.abc import Callable
from functools import partial

from gate.cluster.api import Api
from gate.cluster.executor_jobs import Outfit
from gate.cluster.foreign import Foreign
from gate.cluster.job_template import PLAIN, read_template
from gate.cluster.mode import read_mode
from gate.cluster.names import services_of
from gate.cluster.workloads import Workloads
from gate.config import PREFIX, Resolve, Settings
from gate.faults import ACTS
from gate.loads import LOADS
from gate.model import Judgement
from gate.probes import PROBES
from gate.running.background import Threads
from gate.running.mode import Mode
from gate.running.permit import Permit
from gate.running.ports import Clock, World, nobody
from gate.running.turns import Caps
from gate.wire.locking import ClusterLocks
from gate.wire.policies import InForce
from gate.wire.policing import Policing, labels_of


def world_of(settings: Settings, api: Api, clock: Clock, background: Threads, policing: Policing) -> World:
    """The world of all runs. Each run is given its own permission, which knows when that run must stop."""
    return World(
        cluster=api,
        workloads=Workloads(api),
        permission=lambda *_: None,
        clock=clock,
        background=background,
        stood_still=background.stood_still,
        resolve=services_of(api) if settings.resolve is Resolve.SERVICES else str,
        faults=ACTS,
        probes=PROBES,
        loads=LOADS,
        credentials=settings.credentials or nobody,
        locks=ClusterLocks(
            api=api,
            foreign=Foreign(api, clock.monotonic),
            caps=caps_of(settings),
            leave_ready=settings.leave_ready,
            policy=policing.holds,
        ),
        admits=policing.admits,
    )


def caps_of(settings: Settings) -> Caps:
    return Caps(namespace=settings.runs_per_namespace, cluster=settings.runs)


def mode_of(settings: Settings, api: Api) -> Callable[[], Mode]:
    return partial(read_mode, api, settings.namespace)


def permits_of(
    settings: Settings, api: Api, clock: Clock, policing: Policing
) -> Callable[[Callable[[], Judgement | None]], Permit]:
    """What makes the permission of a run of what says whether that run must stop."""

    def permit(stop: Callable[[], Judgement | None]) -> Permit:
        labels = partial(labels_of, api)
        return Permit(
            policy=policing.policy,
            mode=mode_of(settings, api),
            labels=labels,
            clock=clock,
            stop=stop,
            again=policing.again,
        )

    return permit


def outfit_of(settings: Settings, policy: InForce) -> Outfit:
    """What a Job gets to know of the settings. Raises `GateError` if its template cannot be used.

    The policy is that of the moment at which the Job is made, as it is written: the Job has no file.
    """
    text = f"{PREFIX}POLICY_TEXT"
    told = {
        f"{PREFIX}NAMESPACE": settings.namespace,
        f"{PREFIX}RESOLVE": str(settings.resolve),
        f"{PREFIX}NODES": ",".join(settings.nodes),
        f"{PREFIX}TIME_ZONE": settings.time_zone,
        f"{PREFIX}RUNS": str(settings.runs or ""),
        f"{PREFIX}RUNS_PER_NAMESPACE": str(settings.runs_per_namespace),
        f"{PREFIX}LEAVE_READY": str(settings.leave_ready),
        f"{PREFIX}KEEP_EVIDENCE": f"{settings.keep_evidence.total_seconds():.0f}s",
        f"{PREFIX}EVIDENCE_URL": settings.evidence_url,
    }
    ours = {*told, text, f"{PREFIX}CREDENTIALS", f"{PREFIX}EVIDENCE_TOKEN_FILE"}
    return Outfit(
        image=settings.job_image,
        account=settings.job_account,
        environment={name: value for name, value in told.items() if value},
        present=lambda: {name: value for name, value in [(text, policy.document())] if value},
        credentials=settings.credentials is not None,
        hands_in=bool(settings.evidence_url),
        template=read_template(settings.job_template, ours) if settings.job_template else PLAIN,
    )
