"""The Deployment controller: a ReplicaSet for each template, grown and shrunk step by step; old ones stay for undo."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from gate.sandbox.kubernetes.controllers import progress, revisions
from gate.sandbox.kubernetes.controllers.ownership import claim
from gate.sandbox.kubernetes.controllers.rollout import (
    grown,
    is_recreate,
    proportional,
    shrunk,
    size,
)
from gate.sandbox.kubernetes.language.conditions import condition, with_condition
from gate.sandbox.kubernetes.language.errors import AlreadyExists, ApiError, NotFound
from gate.sandbox.kubernetes.language.objects import (
    Object,
    controller_of,
    is_terminating,
    lookup,
    name_of,
    namespace_of,
    uid_of,
)
from gate.sandbox.kubernetes.loops.events import EventType, Tell
from gate.sandbox.kubernetes.registry.resources import DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS
from gate.sandbox.kubernetes.store.changes import Change, Key
from gate.sandbox.kubernetes.store.lifecycle import copy
from gate.sandbox.kubernetes.store.store import Store

_REFUSED = "ReplicaSetCreateError"
_PAUSE = 10.0
"""Seconds until a ReplicaSet that was refused is tried again, if nothing happens before."""


class _RefusedError(Exception):
    """The ReplicaSet of a template cannot be made, and the Deployment says so."""


class Deployments:
    watches = (DEPLOYMENTS, REPLICA_SETS, PODS)

    def __init__(self, store: Store, tell: Tell, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._tell = tell
        self._clock = clock

    def keys(self, change: Change) -> Iterable[Key]:
        obj = change.entry.shared
        if change.resource is DEPLOYMENTS:
            yield namespace_of(obj), name_of(obj)
            return
        owner = controller_of(obj)
        if (
            owner is not None and owner["kind"] == REPLICA_SETS.kind
        ):  # a pod: Recreate waits until the old ones are gone
            replica_set = self._found(namespace_of(obj), owner["name"])
            owner = None if replica_set is None else controller_of(replica_set)
        if owner is not None and owner["kind"] == DEPLOYMENTS.kind:
            yield namespace_of(obj), owner["name"]

    def reconcile(self, key: Key) -> float | None:
        """One step; each write makes an event that asks for the next one."""
        try:
            deployment = self._store.get(DEPLOYMENTS, *key)
        except NotFound:
            return None
        replica_sets = sorted(claim(self._store, REPLICA_SETS, deployment), key=revisions.age)
        if is_terminating(deployment):
            return self._report(deployment, replica_sets, progress.counted)
        self._tell_pause(deployment)
        try:
            if deployment["spec"].get("paused") or revisions.is_scaled(deployment, replica_sets):
                return self._scale(deployment, replica_sets)
            if is_recreate(deployment):
                return self._recreate(deployment, replica_sets)
            return self._roll(deployment, replica_sets)
        except _RefusedError:
            return _PAUSE

    # The two strategies

    def _roll(self, deployment: Object, replica_sets: list[Object]) -> float | None:
        deployment, new, old = self._revise(deployment, replica_sets, create=True)
        everybody = [*old, new] if new else old
        wanted = deployment["spec"]["replicas"]
        if new is not None:
            to = wanted if size(new) > wanted else grown(deployment, everybody, size(new))
            if self._resize(deployment, new, to):
                return self._report(deployment, self._all(deployment), progress.progressed)
            sizes = shrunk(deployment, new, [each for each in old if size(each)])
            for each in old:
                self._resize(deployment, each, sizes.get(name_of(each), size(each)))
            if not sizes and progress.is_complete(deployment, deployment.get("status") or {}):
                self._clean_up(deployment, old)
        return self._report(deployment, self._all(deployment), progress.progressed)

    def _recreate(self, deployment: Object, replica_sets: list[Object]) -> float | None:
        deployment, new, old = self._revise(deployment, replica_sets, create=False)
        running = [each for each in old if size(each)]
        for each in running:
            self._resize(deployment, each, 0)
        if not running and not self._has_pods(old):
            deployment, new, old = self._revise(deployment, self._all(deployment), create=True)
            if new is not None:
                self._resize(deployment, new, deployment["spec"]["replicas"])
            if progress.is_complete(deployment, deployment.get("status") or {}):
                self._clean_up(deployment, old)
        return self._report(deployment, self._all(deployment), progress.progressed)

    # Scaling, and what happens while paused

    def _scale(self, deployment: Object, replica_sets: list[Object]) -> float | None:
        deployment, new, old = self._revise(deployment, replica_sets, create=False)
        everybody = [*old, new] if new else old
        wanted = deployment["spec"]["replicas"]
        growing = [each for each in everybody if size(each)]
        if len(growing) <= 1:
            for only in growing or everybody[-1:]:
                self._resize(deployment, only, wanted)
        elif new is not None and revisions.is_saturated(deployment, new):
            for each in old:
                self._resize(deployment, each, 0)
        elif not is_recreate(deployment):
            sizes = proportional(deployment, growing)
            for each in growing:
                self._resize(deployment, each, sizes.get(name_of(each), size(each)))
        if deployment["spec"].get("paused"):
            self._clean_up(deployment, old)
        return self._report(deployment, self._all(deployment), progress.counted)

    def _tell_pause(self, deployment: Object) -> None:
        """A paused rollout cannot be late: the condition says so, and says when it goes on.

        The caller's Deployment is stale then. As with the real controller, which ReplicaSets it changes in this step
        it can, and its next write to the Deployment is a conflict: so nobody is told NewReplicaSetCreated on resuming.
        """
        current = condition(deployment.get("status") or {}, "Progressing")
        reason = (current or {}).get("reason")
        paused = bool(deployment["spec"].get("paused"))
        if (
            not progress.has_deadline(deployment)
            or reason == progress.TIMED_OUT
            or paused == (reason == progress.PAUSED)
        ):
            return
        words = (progress.PAUSED, "Deployment is paused") if paused else ("DeploymentResumed", "Deployment is resumed")
        self._add_condition(deployment, progress.progressing("Unknown", *words, self._clock()))

    # ReplicaSets and their revisions

    def _revise(
        self, deployment: Object, replica_sets: Sequence[Object], *, create: bool
    ) -> tuple[Object, Object | None, list[Object]]:
        """The Deployment with its revision noted, its new ReplicaSet (made, if so wished), and the old ones."""
        new = next((each for each in replica_sets if revisions.same_template(each, deployment)), None)
        old = [each for each in replica_sets if each is not new]
        revision = max((revisions.revision_of(each) for each in old), default=0) + 1
        first_condition = None
        if new is not None:
            new = self._annotate(deployment, new, revision)
            first_condition = ("FoundNewReplicaSet", f'Found new replica set "{name_of(new)}"')
            if condition(deployment.get("status") or {}, "Progressing") is not None:
                first_condition = None
        elif create:
            new = self._create(deployment, old, revision)
            first_condition = ("NewReplicaSetCreated", f'Created new replica set "{name_of(new)}"')
        else:
            return deployment, None, old
        told = None
        if first_condition and progress.has_deadline(deployment):
            told = progress.progressing("True", *first_condition, self._clock())
        return self._note_revision(deployment, revisions.annotations_of(new)[revisions.REVISION], told), new, old

    def _create(self, deployment: Object, old: Sequence[Object], revision: int) -> Object:
        replica_set = revisions.replica_set_of(deployment, revision, replicas=grown(deployment, old, 0))
        try:
            created = self._store.create(REPLICA_SETS, replica_set)
        except AlreadyExists:
            self._count_collision(deployment)
            raise
        except ApiError as error:
            self._tell_refusal(deployment, f'Failed to create new replica set "{name_of(replica_set)}": {error}')
            raise _RefusedError from error
        if size(created):
            self._tell_size(deployment, created, 0)
        return created

    def _annotate(self, deployment: Object, new: Object, revision: int) -> Object:
        """Keep the new ReplicaSet's annotations, revision and readiness time up with the Deployment."""
        annotations = revisions.annotations_of(new) | revisions.inherited(deployment)
        before = revisions.revision_of(new)
        if before < revision:
            annotations[revisions.REVISION] = str(revision)
            if before:
                history = annotations.get(revisions.HISTORY)
                annotations[revisions.HISTORY] = f"{history},{before}" if history else str(before)
        minimum = deployment["spec"].get("minReadySeconds", 0)
        if annotations == revisions.annotations_of(new) and minimum == new["spec"].get("minReadySeconds", 0):
            return new

        def change(present: Object) -> Object:
            present["metadata"]["annotations"] = annotations
            revisions.wait_as_long(present["spec"], deployment)
            return present

        return self._store.patch(REPLICA_SETS, namespace_of(new), name_of(new), change)

    def _resize(self, deployment: Object, replica_set: Object, to: int) -> bool:
        """Whether the size had to change. The wanted size is noted in any case: it tells scaling from rolling."""
        sizes = revisions.sizes(deployment)
        before = size(replica_set)
        noted = sizes.items() <= revisions.annotations_of(replica_set).items()
        if before == to and (noted or not before):
            return False

        def change(present: Object) -> Object:
            present["spec"]["replicas"] = to
            present["metadata"]["annotations"] = revisions.annotations_of(present) | sizes
            return present

        changed = self._store.patch(REPLICA_SETS, namespace_of(replica_set), name_of(replica_set), change)
        if before != to:
            self._tell_size(deployment, changed, before)
        return before != to

    def _tell_size(self, deployment: Object, replica_set: Object, before: int) -> None:
        way = "up" if size(replica_set) > before else "down"
        message = f"Scaled {way} replica set {name_of(replica_set)} from {before} to {size(replica_set)}"
        self._tell(deployment, "ScalingReplicaSet", message)

    def _clean_up(self, deployment: Object, old: Sequence[Object]) -> None:
        """Delete the oldest revisions beyond the history limit, as far as they are empty."""
        kept = [each for each in old if not is_terminating(each)]
        surplus = len(kept) - deployment["spec"]["revisionHistoryLimit"]
        for each in sorted(kept, key=revisions.revision_of)[: max(surplus, 0)]:
            seen = lookup(each, "status.observedGeneration", 0) >= each["metadata"]["generation"]
            if seen and not size(each) and not lookup(each, "status.replicas", 0):
                self._store.delete(REPLICA_SETS, namespace_of(each), name_of(each))

    # Reading and writing the Deployment

    def _report(
        self,
        deployment: Object,
        replica_sets: Sequence[Object],
        made: Callable[[Object, Sequence[Object], Object | None, datetime], Object],
    ) -> float | None:
        new = next((each for each in replica_sets if revisions.same_template(each, deployment)), None)
        now = self._clock()
        status = made(deployment, replica_sets, new, now)
        if status != deployment.get("status"):
            self._write(deployment, lambda present: present | {"status": status})
        return progress.until_deadline(deployment, status, now)

    def _add_condition(self, deployment: Object, told: Object) -> Object:
        return self._write(deployment, lambda present: _with_told(present, told))

    def _note_revision(self, deployment: Object, revision: str, told: Object | None) -> Object:
        """Note it together with the first condition of its rollout, if that is to be told: nobody sees one alone."""
        if revisions.annotations_of(deployment).get(revisions.REVISION) == revision and told is None:
            return deployment

        def change(present: Object) -> Object:
            present["metadata"]["annotations"] = revisions.annotations_of(present) | {revisions.REVISION: revision}
            return present if told is None else _with_told(present, told)

        return self._write(deployment, change)

    def _tell_refusal(self, deployment: Object, message: str) -> None:
        """Say why there is no ReplicaSet for the template; in a namespace that is going, nobody wonders."""
        if is_terminating(self._store.get(NAMESPACES, "", namespace_of(deployment))):
            return
        if progress.has_deadline(deployment):
            self._add_condition(deployment, progress.progressing("False", _REFUSED, message, self._clock()))
        self._tell(deployment, _REFUSED, message, kind=EventType.WARNING)

    def _count_collision(self, deployment: Object) -> None:
        def change(present: Object) -> Object:
            count = lookup(present, "status.collisionCount", 0) + 1
            return present | {"status": lookup(present, "status", {}) | {"collisionCount": count}}

        self._write(deployment, change)

    def _write(self, deployment: Object, change: Callable[[Object], Object]) -> Object:
        """Conflict, if somebody else has written the Deployment since it was read."""
        return self._store.update(DEPLOYMENTS, change(copy(deployment)), "status")

    def _all(self, deployment: Object) -> list[Object]:
        return sorted(claim(self._store, REPLICA_SETS, deployment), key=revisions.age)

    def _has_pods(self, replica_sets: Iterable[Object]) -> bool:
        """Whether any pod is left of them, also one that is on its way out."""
        owners = {uid_of(each) for each in replica_sets}
        for entry in self._store.entries(PODS)[0]:
            owner = controller_of(entry.shared)
            finished = lookup(entry.shared, "status.phase") in ("Succeeded", "Failed")
            if owner is not None and owner["uid"] in owners and not finished:
                return True
        return False

    def _found(self, namespace: str, name: str) -> Object | None:
        try:
            return self._store.entry(REPLICA_SETS, namespace, name).shared
        except NotFound:
            return None


def _with_told(deployment: Object, told: Object) -> Object:
    conditions = with_condition(lookup(deployment, "status.conditions", []), told)
    return deployment | {"status": lookup(deployment, "status", {}) | {"conditions": conditions}}
