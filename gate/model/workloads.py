"""What the gate looks at: workloads, their versions and rollouts, and the commits they come from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from gate.model.chance import identity


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
    replacing: bool = False
    """Pods of another template than the present one are there: it is under way, and no mere scaling."""
    template: str = ""
    """The identity of the present pod template; empty if it cannot be seen."""
    quiet: bool = False
    """It waits for pods, and these may change without an event of the workload."""
