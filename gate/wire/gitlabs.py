"""The GitLabs that this gate reports to: made from the settings, told things by the leader only, and looked after."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from gate.catalogue.subscribed import Subscribed
from gate.cluster.gates import Gates
from gate.config import Secret, Settings
from gate.gitlab.client import GitLab, Pipeline
from gate.gitlab.expiry import TokenState, TokenWatch
from gate.gitlab.instances import Instance, Instances, read_instances
from gate.gitlab.orphans import Own, Sweep
from gate.gitlab.protocol import Request
from gate.gitlab.reporter import Reporter
from gate.gitlab.statuses import Row
from gate.model import Announcement, Gate
from gate.running.executor import Insist
from gate.running.ports import Clock
from gate.tracking.announce import status_name
from gate.web.views import Askers
from gate.wire.copies import Copies

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
"""How often everything is compared, orphans are looked for, and tokens are asked how long they will be taken."""


def instances_of(settings: Settings) -> tuple[Instance, ...]:
    """None where GitLab is told nothing. Raises `GateError` if the file of several cannot be used."""
    if settings.gitlabs:
        return read_instances(settings.gitlabs)
    if settings.gitlab_url and settings.gitlab_token:
        return (Instance(url=settings.gitlab_url, token_file=settings.gitlab_token.file, ca_file=settings.gitlab_ca),)
    return ()


def askers_of(settings: Settings) -> Askers | None:
    """Who tells which project a job is of; None where everybody may ask for everything."""
    if not settings.audience:
        return None
    from gate.gitlab.job_tokens import JobTokens, Signer

    instances = instances_of(settings)
    signers = {each.url: Signer(url=each.url, authority=each.ca_file) for each in instances}
    home = Instances(instances, lambda each: each.url).of
    return JobTokens(tuple(signers.values()), settings.audience, home=home)


class FencedGitLab:
    """A GitLab, which is told something only while this replica leads."""

    def __init__(self, gitlab: GitLab, insist: Insist) -> None:
        self.client, self._insist = gitlab, insist

    def user(self) -> int:
        return self.client.user()

    def statuses(self, project: str, sha: str, *, pipeline: int, name: str) -> Sequence[Row]:
        return self.client.statuses(project, sha, pipeline=pipeline, name=name)

    def began(self, project: str, job: int) -> datetime | None:
        return self.client.began(project, job)

    def unfinished(self, project: str) -> Sequence[Pipeline]:
        return self.client.unfinished(project)

    def external(self, project: str, sha: str, *, pipeline: int) -> Sequence[Row]:
        return self.client.external(project, sha, pipeline=pipeline)

    def send(self, request: Request) -> Any:
        self._insist()
        return self.client.send(request)


class GitLabs:
    """All of them, each project at its own."""

    def __init__(self, instances: Sequence[Instance], insist: Insist, clock: Clock) -> None:
        self._of = Instances(instances, lambda each: FencedGitLab(_client(each), insist))
        self._watch = TokenWatch([each.client for each in self._of.all], clock.now)

    def client(self, project: str) -> GitLab:
        """For looks, which anybody may have; `Permanent` if none has the project."""
        return self._of.of(project).client

    def of(self, project: str) -> FencedGitLab:
        """The one that has the project; `Permanent` if none does."""
        return self._of.of(project)

    def report(self, announcement: Announcement, target_url: str = "") -> str:
        """Make the right GitLab show the announcement; see `Reporter.report`."""
        return Reporter(self.of(announcement.commit.project)).report(announcement, target_url)

    @property
    def tokens(self) -> Sequence[TokenState]:
        """What is known of each token."""
        return self._watch.states

    def look(self) -> None:
        """Ask about the tokens."""
        self._watch.look()

    def close(self) -> None:
        for each in self._of.all:
            each.client.close()


def _client(instance: Instance) -> GitLab:
    return GitLab(instance.url, Secret(Path(instance.token_file)), authority=instance.ca_file)


class Reporting(Protocol):
    """What this gate reports, and what is its own in a GitLab."""

    def projects(self) -> Iterable[str] | None:
        """All that are reported to; None before the catalogue and the gates are known."""
        ...

    def gates(self) -> Sequence[Gate]:
        """As they are in the cluster at this very moment."""
        ...

    def own(self) -> Own:
        """By what its rows are known."""
        ...


class Reported:
    """The same, as the cluster and the catalogue say it."""

    def __init__(self, settings: Settings, copies: Copies, subscribed: Subscribed, gates: Gates) -> None:
        self._settings, self._copies, self._subscribed, self._gates = settings, copies, subscribed, gates

    def projects(self) -> Iterable[str] | None:
        found = self._subscribed.applied(self._copies.workloads())
        if found is None or not all(mirror.synced.is_set() for mirror in self._copies.mirrors):
            return None
        told = (each for gate in self._copies.gates() for each in gate.status.announcements)
        return {each.project for each in found if each.project} | {each.commit.project for each in told}

    def gates(self) -> Sequence[Gate]:
        return gates_now(self._gates, self._settings.namespaces)

    def own(self) -> Own:
        found = self._subscribed.applied(self._copies.workloads()) or ()
        names = {status_name(each) for each in found if self._subscribed.judges(each.workload.namespace)}
        return Own(names=names, link=self._settings.public_url)


def gates_now(gates: Gates, namespaces: Sequence[str]) -> Sequence[Gate]:
    """All of them, as they are in the cluster at this very moment. Raises `GateError`, also if one cannot be read."""
    return [gate for each in namespaces or ("",) for gate in gates.all(each)]


def readable_now(gates: Gates, namespaces: Sequence[str]) -> Sequence[Gate]:
    """The same without those that cannot be read: each of them keeps what it is about shut, and nothing else."""
    return [gate for each in namespaces or ("",) for gate in gates.readable(each)]


class Upkeep:
    """What has to be done every hour, and when this replica begins to lead, whatever is heard or not."""

    def __init__(
        self,
        gitlabs: GitLabs,
        reported: Reporting,
        compare: Callable[[], None],
        *,
        leads: Callable[[], bool],
        clock: Clock,
    ) -> None:
        """`compare` has everything looked at again."""
        self._gitlabs, self._reported, self._compare = gitlabs, reported, compare
        self._sweep = Sweep(gitlabs.of, reported.gates, reported.own)
        self._leads, self._clock = leads, clock
        self._hurried = threading.Event()

    def hurry(self) -> None:
        """Do it now."""
        self._hurried.set()

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; call `hurry` after that."""
        while not stop.is_set():
            self._hurried.clear()
            pause = EVERY
            try:
                pause = self.once()
            except Exception:  # a mistake of ours: the next hour it may work
                log.exception("gitlab.upkeep")
            if not stop.is_set():
                self._clock.wait(self._hurried, pause.total_seconds())

    def once(self) -> timedelta:
        """Returns when to do it again."""
        self._gitlabs.look()
        if not self._leads():
            return EVERY
        projects = self._reported.projects()
        if projects is None:
            return UNKNOWN
        self._compare()
        self._sweep.run(projects)
        return EVERY


UNKNOWN = timedelta(seconds=2)
"""How soon to look again whether the catalogue has been read."""
