"""The nouns of the gate: what it sees, is told, does and concludes. Values only; nothing here acts."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

Settings = Mapping[str, Any]
"""A `with:`, `http:`, ... block as the author wrote it; the fault, probe or load it belongs to gives it a type."""

SECOND = timedelta(seconds=1)


def draw(seed: str, what: str, who: str) -> float:
    """A number in [0, 1) that depends on nothing but its arguments, so that every random choice can be replayed."""
    digest = hashlib.blake2b(f"{what}\0{who}".encode(), key=seed.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def identity(*parts: str) -> str:
    """Forty hex digits that stand for the parts, where it matters that nothing else is taken for them.

    Of n bits two that meet are found after 2^(n/2) tries by whoever may choose the parts, as those do who build images:
    the ten digits of a `fingerprint` take seconds, these 160 bits 2^80 tries. A label of Kubernetes has room for them.
    """
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def fingerprint(*parts: str) -> str:
    """Ten hex digits that stand for the parts: for names, which have no room for more, and which are taken by chance
    once in a million millions. By intent it is easy: what has to be the same is compared by its `identity`.
    """
    return identity(*parts)[:10]


# ---------------------------------------------------------------------------------------------- what the gate concludes


class Verdict(StrEnum):
    """What is known about a version, from best to worst. Only PASSED opens the gate."""

    PASSED = "PASSED"
    CANCELED = "CANCELED"
    ERRORED = "ERRORED"
    FAILED = "FAILED"

    @staticmethod
    def worst(verdicts: Iterable["Verdict"]) -> "Verdict":
        """The fold of several verdicts. Of none at all nothing is known, and that is ERRORED, never a pass."""
        order = list(Verdict)
        return max(verdicts, key=order.index, default=Verdict.ERRORED)


class Reason(StrEnum):
    """Why a verdict is not PASSED, or why there is none yet, for machines; the sentence beside it is for people."""

    PROBE_FAILED = "ProbeFailed"
    RECOVERY_TOO_SLOW = "RecoveryTooSlow"
    BASELINE_UNSTEADY = "BaselineUnsteady"
    NO_TARGETS = "NoTargets"
    NO_EFFECT = "NoEffect"
    NO_DATA = "NoData"
    NO_COPY = "NoCopy"
    LOAD_TOO_WEAK = "LoadTooWeak"
    REVERT_FAILED = "RevertFailed"
    EXECUTOR_LOST = "ExecutorLost"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    ROLLOUT_FAILED = "RolloutFailed"
    VERSION_CHANGED = "VersionChanged"
    POLICY_DENIED = "PolicyDenied"
    BAD_DOCUMENT = "BadDocument"
    INTERNAL_ERROR = "InternalError"
    SUPERSEDED = "Superseded"
    ABORTED = "Aborted"
    NOT_JUDGED_YET = "NotJudgedYet"


class Compared(StrEnum):
    """What the version before did where this one failed."""

    REGRESSION = "Regression"
    """It held: the weakness is new."""
    UNKNOWN = "Unknown"
    """Too little was seen of it to say."""
    OLD_WEAKNESS = "OldWeakness"
    """It failed there, too. That forgives nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with its reason (None for PASSED) and one sentence for a person."""

    verdict: Verdict
    reason: Reason | None = None
    message: str = ""
    compared: Compared | None = None
    """Of FAILED, where the workflow asks for a comparison."""


# ----------------------------------------------------------------------------------------------- what the gate looks at


class WorkloadKind(StrEnum):
    """The kinds of workload that the gate can judge."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    ROLLOUT = "Rollout"
    """Of Argo Rollouts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadName:
    """A workload as a document names it; only the cluster knows its uid."""

    kind: WorkloadKind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSelector:
    """Workloads of a kind by namespace and labels. In namespaces `*` stands for anything, `?` for one letter."""

    kind: WorkloadKind
    namespaces: tuple[str, ...]
    labels: Mapping[str, str]

    def matches(self, name: WorkloadName, labels: Mapping[str, str]) -> bool:
        """Also the kind, one of the namespaces, and all of the labels."""
        return (
            name.kind is self.kind
            and self.labels.items() <= labels.items()  # before the patterns, which cost more
            and self.is_about(name.namespace)
        )

    def is_about(self, namespace: str) -> bool:
        """Whether what is there may match."""
        return any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)

    def is_within(self, namespaces: Collection[str]) -> bool:
        """Whether nothing outside of these can ever match. A pattern is nobody's name: there is no telling."""
        return all(each in namespaces for each in self.namespaces)

    def __str__(self) -> str:
        labels = ",".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        return f"each {self.kind} with {labels} in {', '.join(self.namespaces)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One workload in the cluster. Deleted and made again under its old name it is another one: the uid tells."""

    name: WorkloadName
    uid: str


@dataclass(frozen=True, slots=True, order=True)
class ContainerImage:
    """One container and the digest of the image that it really runs (`sha256:…`).

    Where the runtime knows none, `IMAGE+HASH` stands for it: the image reference and the hash of the pod template.
    """

    container: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a workload runs: the digests of its own containers. The same images are the same version."""

    images: tuple[ContainerImage, ...]

    @property
    def key(self) -> str:
        """By it a version is told from all others, also from those that somebody built to be taken for it."""
        return identity(*(f"{image.container}={image.digest}" for image in sorted(self.images)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a fault hits: one pod, or one other object (then without node and images)."""

    kind: str
    namespace: str
    name: str
    uid: str
    node: str = ""
    images: tuple[ContainerImage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The commit that a version was built from, and the pipeline that waits for the answer."""

    project: str
    sha: str
    pipeline: int | None = None
    job: int | None = None


class Rung(StrEnum):
    """By what a workload's commit may be known where the deploy job says nothing, best first."""

    OCI_LABELS = "OCI labels"
    IMAGE_TAG = "image tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitHint:
    """What somebody other than the deploy job says of the commit; nobody believes it before GitLab confirms it."""

    rung: Rung
    project: str
    """As far as the hint tells: a path that begins with the project's."""
    revision: str
    """A commit's id, or the beginning of one."""


class Progress(StrEnum):
    """How far a rollout is."""

    ROLLING = "Rolling"
    CANARY = "Canary"
    """Paused at a canary step, and complete as far as the canary's pods go."""
    COMPLETE = "Complete"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A workload as it is now: how far it is, and when complete, which version its pods run."""

    workload: Workload
    created: datetime
    progress: Progress
    message: str
    version: Version | None = None
    version_problem: str = ""
    """Why the version is less sure than digests would make it."""
    commit: Commit | None = None
    commit_problem: str = ""
    """Why the commit cannot be told, if the deploy job wrote something that cannot be read."""
    commit_found: str = ""
    """By what the commit was found, if not by the deploy job's annotations."""
    commit_open: bool = False
    """It is still being looked up."""
    commit_in_image: bool = False
    """The image itself names it: it is this version's, however late it was found."""
    hints: tuple[CommitHint, ...] = ()
    image: str = ""
    """The image references of the pod template, for people; versions are told apart by digest alone."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The workload's own labels, by which subscriptions may select it."""
    youngest: datetime | None = None
    """When the last of the present template's pods was created, if they were asked for; a whole second."""
    quiet: bool = False
    """It waits for pods, and these may change without an event of the workload."""


# --------------------------------------------------------------------------------------------------- what authors write


class Window(StrEnum):
    """Which part of a run samples belong to."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How much a probe may fail within one window. What is None does not limit."""

    failures: float = 0.0
    """The share of its samples (0 to 1) that may be bad."""
    streak: timedelta | None = None
    """The longest unbroken time without a good answer."""
    p95: timedelta | None = None
    """The time within which 95% of its samples have a good answer; a bad one counts as one that never came."""
    at_least: float | None = None
    at_most: float | None = None
    """Bounds that no sample's number may leave, whatever share may be bad; a sample without a number does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question about the service, asked again and again, with what counts as a good answer."""

    name: str
    kind: str
    settings: Settings
    expect: Settings = field(default_factory=dict)
    every: timedelta = SECOND
    tolerate: Tolerance = Tolerance()
    when: tuple[Window, ...] = tuple(Window)
    """The windows in which it counts. It is asked in the others too, and what it says there is not looked at."""
    weight: int = 1
    """How much it counts in the score, beside the others."""
    critical: bool = False
    """Beyond its tolerance it fails the run, whatever the threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Traffic that runs for as long as the workflow does."""

    name: str
    kind: str
    settings: Settings


class Targets(StrEnum):
    """What becomes of the fault when a pod that it hit is replaced while it is held."""

    FIXED = "fixed"
    """What came in its place is left alone."""
    FOLLOW = "follow"
    """What came in its place is hit as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One fault for some time, and how long the service may take to be steady again after the fault was taken back."""

    name: str
    fault: str
    settings: Settings
    hold: timedelta
    recover: timedelta
    target: WorkloadName | None = None
    """Another workload than the one that is judged, such as a dependency."""
    used: str = ""
    """The probe whose good answers need the target: one before the fault shows that the target had been used."""
    targets: Targets = Targets.FIXED
    repetition: int = 1
    """Which repetition of the workflow it belongs to; each has steps of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """How often all steps of a workflow are done, and how many of these repetitions have to pass."""

    times: int
    passes: int


class Isolation(StrEnum):
    """What the steps of a workflow hit."""

    NONE = "none"
    """The workload itself."""
    COPY = "copy"
    """A copy of the version that is judged, which nobody else uses."""


class Compare(StrEnum):
    """With which other version a failure is compared."""

    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """Steady state, load and steps, with every parameter filled in."""

    name: str
    baseline: timedelta
    steady_state: tuple[Probe, ...]
    steps: tuple[Step, ...]
    load: tuple[Load, ...] = ()
    threshold: int | None = None
    """The share of the probes, by weight, in percent, that must stay within their tolerance in each step. None: all."""
    repeat: Repeat | None = None
    """None: the steps are done once."""
    isolation: Isolation = Isolation.NONE
    compare: Compare | None = None
    service: str = ""
    """The Service in front of the workload. Known where it or a copy may be asked, and its address is left open."""

    @property
    def makes_copies(self) -> bool:
        """What is asked is known only when the run is on: where settings name it, there is a stand-in."""
        return self.isolation is Isolation.COPY or self.compare is not None


class OnSubscribe(StrEnum):
    """What happens to the version that already runs when a subscription is seen for the first time."""

    RECORD = "record"
    RUN = "run"


class JudgeAt(StrEnum):
    """At which point of an Argo Rollout its new version is judged."""

    HEALTHY = "healthy"
    CANARY = "canary"


class Way(StrEnum):
    """By what production is opened in GitLab; each is a file of `gate.gitlab.promotion`."""

    PLAY = "play"
    """A manual job is played."""
    APPROVE = "approve"
    """A deployment that waits for approvals gets one."""
    CHECK = "check"
    """A status check of merge requests passes."""
    TRIGGER = "trigger"
    """A pipeline is started."""


class OnFailed(StrEnum):
    """What becomes of a deployment that waits for approvals, when the version has failed."""

    WAIT = "wait"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote:
    """How a subscription wants production opened."""

    way: Way
    name: str
    """Of the job, the environment whose deployment waits, the check, or the branch or tag that has the pipeline."""
    environment: str = ""
    """That the job deploys to."""
    project: str = ""
    """That has the pipeline, or the merge requests; empty: the one that is told."""
    on_failed: OnFailed = OnFailed.WAIT

    def __str__(self) -> str:
        said = (f"{self.way} {self.name}", self.environment, self.project)
        rejects = "reject what failed" if self.on_failed is OnFailed.REJECT else ""
        return ", ".join(part for part in (*said, rejects) if part)


class OnRollback(StrEnum):
    """What happens when a version comes back that was judged before."""

    REUSE = "reuse"
    RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowUse:
    """A workflow by name, with the values of its parameters."""

    name: str
    parameters: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """This workload, these workflows, this GitLab project."""

    name: str
    workload: WorkloadName
    environment: str
    workflows: tuple[WorkflowUse, ...]
    settle: timedelta
    deadline: timedelta
    on_subscribe: OnSubscribe | None = None
    on_rollback: OnRollback | None = None
    """What it does not say (None) it leaves to the other subscriptions of the workload, and to the defaults."""
    judge: JudgeAt = JudgeAt.HEALTHY
    project: str = ""
    """The GitLab project (path with groups) that is told; empty: none is."""
    promote: Promote | None = None
    """How production is opened there; None: by others."""
    place: str = ""
    """File and line, for messages."""
    selected: bool = False
    """The workload was found by a selector, and may be one of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A subscription of every workload that a selector finds."""

    selector: WorkloadSelector
    pattern: Subscription
    """The subscription, with a stand-in for the workload."""

    def of(self, name: WorkloadName) -> Subscription:
        """The subscription of one of them."""
        return replace(self.pattern, workload=name, selected=True)


# --------------------------------------------------------------------------------------------- what a run leaves behind


COPY = "copy"
"""The act that makes a copy, among those that an undo may be of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Everything that is needed to take one act back, written before the act. Any process can revert from it alone."""

    id: str
    step: str
    fault: str
    target: Target
    settings: Settings = field(default_factory=dict)
    before: Settings = field(default_factory=dict)
    """The state that the act will change, as it was."""
    proof: str = ""
    """The probe that must have had a bad answer since, where nothing in the cluster shows that the act was felt."""
    spacing: timedelta = timedelta(0)
    """How long the act waits, after the one before it, for the workload to have all of its pods again."""
    patience: timedelta = timedelta(0)
    """How long taking it back may take, where that is longer than it is tried for anything."""
    follows: str = ""
    """The undo whose target this one took the place of, under `targets: follow`."""
    replaced: datetime | None = None
    """When its target was seen to be gone while the fault was held."""
    injected: datetime | None = None
    reverted: datetime | None = None
    error: str = ""
    """Why the last attempt to revert did not work."""
    by_hand: bool = False
    """A person says that it was taken back: the gate did not, and no verdict forgets that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Proof that a fault was felt: what was seen to change, and when."""

    undo: str
    step: str
    what: str
    seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer of a probe. `at` is when the question was asked, not when the answer came."""

    at: datetime
    ok: bool
    latency: timedelta
    detail: str = ""
    value: float | None = None
    """The number that the service, or the metric, said; finite. None where the probe gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The samples of one probe in one window of one step (no step: the baseline)."""

    probe: str
    window: Window
    step: str = ""
    due: int = 0
    """How many samples there should have been."""
    samples: int = 0
    missing: str = ""
    """Why the first sample that is missing is missing, if anybody knows."""
    failures: int = 0
    slow: int = 0
    """How many samples were no good answer within the time of `tolerate.p95`."""
    numbers: int = 0
    """How many samples gave a number."""
    lowest: float | None = None
    highest: float | None = None
    streak: timedelta = timedelta(0)
    """The longest unbroken time without a good answer."""
    streak_at_worst: timedelta = timedelta(0)
    """The same, if every sample that is missing had been bad."""
    first_failure: datetime | None = None
    last_failure: datetime | None = None
    detail: str = ""
    """What the first bad answer was."""
    p50: timedelta | None = None
    p95: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """When a step did what. A time that is None has not come."""

    step: str
    attempt: int = 1
    injected: datetime | None = None
    reverted: datetime | None = None
    ended: datetime | None = None
    detection: timedelta | None = None
    """Injection to first bad sample; None: no sample was bad."""
    recovery: timedelta | None = None
    """Revert to steady again; None: not steady again while it was watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of a version, when it was ready: a Deployment of the gate's own that steps hit instead of the workload."""

    name: str
    """Also that of its Service, if it has one."""
    version: str
    """The key of the version that it is to be of."""
    pods: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the executor saw. It says nothing about good or bad: `judge` does that, from this alone."""

    targets: tuple[Target, ...] = ()
    undo: tuple[Undo, ...] = ()
    effects: tuple[Effect, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    summaries: tuple[Summary, ...] = ()
    copies: tuple[Copy, ...] = ()
    version_after: str = ""
    """The version key of the workload when the last step had ended."""
    stopped: Judgement | None = None
    """Why the executor stopped before the end, if it did."""
    uncompared: str = ""
    """Why the version before was not run to the end, if it was to be."""


class RunPhase(StrEnum):
    """How far a run is."""

    PENDING = "Pending"
    RUNNING = "Running"
    EXECUTED = "Executed"
    JUDGED = "Judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One line of a run's story."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's word in place of the gate's own evidence that something was taken back. It changes no verdict."""

    at: datetime
    who: str
    """As the API server knows whoever said it."""
    reason: str
    undo: tuple[str, ...]
    """The ids of what was taken back by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One workflow against one version, with everything that is needed to execute it."""

    workload: Workload
    version: str
    images: tuple[ContainerImage, ...]
    workflow: Workflow
    subscriptions: tuple[str, ...]
    revision: str
    seed: str
    deadline: datetime
    previous: tuple[ContainerImage, ...] = ()
    """What ran before this version, if that is known and the workflow compares with it."""
    asked_by: str = ""
    """Who asked for it by hand, as the API server knows them: no gate waits for it. Empty: a gate made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """What became of a run so far. The executor writes everything but the verdict, the gate writes the verdict."""

    phase: RunPhase = RunPhase.PENDING
    attempt: int = 0
    """How many executors have begun; more than one when an executor was lost."""
    activity: str = ""
    """What it is doing right now, for people."""
    started: datetime | None = None
    finished: datetime | None = None
    timeline: tuple[TimelineEntry, ...] = ()
    evidence: Evidence = Evidence()
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    score: int | None = None
    compared: Compared | None = None
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A `ChaosRun` as the cluster holds it."""

    namespace: str
    name: str
    uid: str
    created: datetime
    spec: RunSpec
    status: RunStatus = RunStatus()
    abort: Reason | None = None
    """Somebody wants it to stop: superseded, or aborted by a person."""
    deleting: bool = False
    guarded: bool = False
    """The finalizer is there: something is still to be taken back."""
    resource_version: str = ""

    @property
    def begun(self) -> bool:
        """Somebody has executed some of it, or may have left something to be taken back."""
        return self.guarded or self.executed

    @property
    def executed(self) -> bool:
        """Somebody has executed some of it, as its status says, which whoever makes a run cannot write."""
        return self.status.attempt > 0 or self.status.phase is not RunPhase.PENDING


# -------------------------------------------------------------------------------------------------- the standing answer


class Phase(StrEnum):
    """The standing answer for a workload."""

    PENDING = "Pending"
    OPEN = "Open"
    CLOSED = "Closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """A run as its gate remembers it, also when the run itself has been deleted."""

    name: str
    workflow: str
    subscriptions: tuple[str, ...]
    uid: str = ""
    """Empty until the run has been seen in the cluster."""
    decided: str = ""
    """The SHA-256 of what the run is to do, and against what: one that does anything else is another's."""
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    score: int | None = None
    document: str = ""
    """The SHA-256 of the workflow as it was resolved; empty until the run is judged."""
    evidence: str = ""
    """The SHA-256 of the evidence that the verdict was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedVersion:
    """A version that has its verdict."""

    version: str
    workflows: str
    """The identity of the workflows it was judged with: changed workflows make an old verdict stale."""
    at: datetime
    judgement: Judgement
    runs: tuple[RunEntry, ...] = ()
    images: tuple[ContainerImage, ...] = ()
    revision: str = ""
    """The catalogue's revision that the workflows are of."""


class StatusState(StrEnum):
    """The states of a GitLab commit status that the gate uses."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        return self in {StatusState.SUCCESS, StatusState.FAILED, StatusState.CANCELED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What GitLab should show on one commit for one subscription."""

    name: str
    commit: Commit
    version: str
    state: StatusState
    description: str
    override: str = ""
    """In words, while a person lets the version through although it has not passed. The state does not know of it."""

    @property
    def text(self) -> str:
        """What is to be read there."""
        return f"{self.override}; {self.description}" if self.override else self.description

    @property
    def key(self) -> str:
        """What it is about: a status name on a commit in a pipeline."""
        return f"{self.name} {self.commit.sha} {self.commit.pipeline or '-'}"

    @property
    def mark(self) -> str:
        """What is remembered of it once GitLab has accepted it: its state, for people, and a hash of it all."""
        commit = self.commit
        rest = (self.name, commit.project, commit.sha, str(commit.pipeline), self.version, self.text)
        return f"{self.state}-{fingerprint(self.state, *rest)}"


class Stance(StrEnum):
    """What is to become of production."""

    AWAIT = "await"
    """Nothing yet: there is no verdict."""
    OPEN = "open"
    SHUT = "shut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What a gate wants with production for one commit."""

    subscription: str
    promote: Promote
    commit: Commit
    version: str
    stance: Stance
    verdict: Verdict | None = None
    message: str = ""
    """The verdict in one sentence, for people."""
    number: str = ""
    """Of the verdict."""

    @property
    def project(self) -> str:
        """Where something is done."""
        return self.promote.project or self.commit.project

    @property
    def key(self) -> str:
        """What is done once: this, for this commit in this pipeline."""
        commit = self.commit
        return f"{self.stance} {self.promote} {commit.project} {commit.sha} {commit.pipeline or '-'} {self.version}"


class PromotedState(StrEnum):
    """How far a promotion is."""

    SENT = "Sent"
    """A request is on its way, or was: nobody knows yet what became of it."""
    DONE = "Done"
    REFUSED = "Refused"
    """A person has to act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What became of a promotion, when, and in one sentence."""

    state: PromotedState
    at: datetime
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOverride:
    """A person lets a version through for a while, passed or not. Its verdict stays what it is."""

    version: str
    who: str
    """As the API server knows whoever said it."""
    reason: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStatus:
    """Everything the gate knows about one workload."""

    phase: Phase = Phase.PENDING
    version: str = ""
    images: tuple[ContainerImage, ...] = ()
    previous: tuple[ContainerImage, ...] = ()
    """What ran before `version`, judged or only seen; empty if nobody knows."""
    image: str = ""
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    override: str = ""
    """Who lets the version through, until when and why, in words; empty while nobody does."""
    since: datetime | None = None
    """When the answer last changed, or what it says."""
    complete_since: datetime | None = None
    """When the rollout to `settling` was first seen complete; settling counts from here."""
    settling: str = ""
    """The version that is to become `version` once it has settled; kept until another one is complete."""
    recorded: str = ""
    """The version that ran when the gate first looked: seen, not judged, until another one comes."""
    looked: datetime | None = None
    """When the gate first knew what ran, on behalf of those who subscribe: from then on what comes is an upgrade."""
    judgements: int = 0
    """How often this gate has begun to judge; part of its runs' names: creating one twice is creating it once."""
    workflows: str = ""
    deadline: datetime | None = None
    revision: str = ""
    runs: tuple[RunEntry, ...] = ()
    version_problem: str = ""
    """Why the version is less sure than digests would make it; empty if it is sure."""
    commit: Commit | None = None
    commit_problem: str = ""
    commit_found: str = ""
    """By what the commit is known, for people."""
    subscriptions: tuple[str, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    promotion: Promotion | None = None
    """What is wanted with production; None where nobody asks for it."""
    judged: tuple[JudgedVersion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A `ChaosGate` as the cluster holds it."""

    namespace: str
    name: str
    uid: str
    workload: Workload
    status: GateStatus = GateStatus()
    resource_version: str = ""
    overrides: tuple[GateOverride, ...] = ()
    """What people have said, oldest first, also what is over; none of it is the gate's own."""
    accepted: Mapping[str, str] = field(default_factory=dict)
    """Announcement key -> mark of what GitLab last accepted for it; written by the reporter alone."""
    reported: str = ""
    """Why GitLab does not show what it should, in one sentence; empty when it does."""
    promoted: Mapping[str, Promoted] = field(default_factory=dict)
    """Promotion key -> what became of it; written by the promoter alone."""

    @property
    def told(self) -> frozenset[Announcement]:
        """The announcements that GitLab has accepted as they are."""
        return frozenset(each for each in self.status.announcements if self.accepted.get(each.key) == each.mark)
