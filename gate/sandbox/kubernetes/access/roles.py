"""Roles and bindings where they lie: in the store, from the default ones on."""

from collections.abc import Iterator

from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, labels_of, name_of
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.loops.following import Following
from gate.sandbox.kubernetes.registry.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from gate.sandbox.kubernetes.rights import default_roles
from gate.sandbox.kubernetes.store.store import Store


class StoredRoles:
    """The port of `authorization`, onto a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def bindings(self, namespace: str) -> Iterator[Object]:
        resource = ROLE_BINDINGS if namespace else CLUSTER_ROLE_BINDINGS
        return (entry.shared for entry in self._store.entries(resource, namespace or None)[0])

    def rules(self, kind: str, namespace: str, name: str) -> list[Object] | None:
        try:
            found = self._store.entry(*((ROLES, namespace) if kind == "Role" else (CLUSTER_ROLES, "")), name)
        except NotFound:
            return None
        return found.shared.get("rules") or []


class Aggregation:
    """Gives each ClusterRole with an aggregationRule the rules of those that it selects, at every change of any.

    Making it stores the default roles, settled; `start` begins to follow what becomes of them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        for role in default_roles.roles():
            store.create(CLUSTER_ROLES, role)
        for binding in default_roles.bindings():
            store.create(CLUSTER_ROLE_BINDINGS, binding)
        self._settle()
        self._following = Following(store, "aggregation", lambda _: self._settle(), [CLUSTER_ROLES])

    def start(self) -> None:
        self._following.start()

    def stop(self) -> None:
        self._following.stop()

    def _settle(self) -> None:
        """Until no role lacks anything: those that select may be selected themselves."""
        with self._store.lock:
            while self._improve():
                pass

    def _improve(self) -> bool:
        roles = [entry.shared for entry in self._store.entries(CLUSTER_ROLES)[0]]
        for role in roles:
            if "aggregationRule" in role and not is_terminating(role):
                rules = _collected(role, roles)
                if rules != (role.get("rules") or []):
                    self._store.update(CLUSTER_ROLES, {**role, "rules": rules})
                    return True
        return False


def _collected(role: Object, roles: list[Object]) -> list[Object]:
    """The rules of all other selected roles, by their names, each once."""
    rules: list[Object] = []
    for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
        wanted = LabelSelector.from_object(selector)
        for other in sorted(roles, key=name_of):
            if name_of(other) != name_of(role) and wanted.matches(labels_of(other)):
                rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules
