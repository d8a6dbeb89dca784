"""All proxies at one generation: immutable, so who holds one sees one state; each change makes the next generation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gate.errors import Absent
from gate.proxy.mix import Fault
from gate.proxy.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The seed and the proxies by name. Moments are seconds of the proxy's clock."""

    seed: str
    generation: int = 0
    proxies: Mapping[str, Spec] = field(default_factory=lambda: MappingProxyType({}))

    def proxy(self, name: str) -> Spec:
        """Raises Absent."""
        if name not in self.proxies:
            raise Absent(f"proxy {name}: there is none; there are {', '.join(self.proxies) or 'none at all'}")
        return self.proxies[name]

    def put(self, spec: Spec, now: float) -> "Snapshot":
        """With that proxy, new or in the place of the one of its name. The same again changes no decision: its faults
        stay in force since when they were. The time of those that are said again begins anew; that of a fault which is
        taken over from the snapshot as it is goes on.
        """
        before = self.proxies.get(spec.name)
        return self._next({**self.proxies, spec.name: _begun(spec, before, now)}, changed=before != spec)

    def remove(self, name: str) -> "Snapshot":
        """Without that proxy. Raises Absent."""
        self.proxy(name)
        return self._next({each: spec for each, spec in self.proxies.items() if each != name}, changed=True)

    def renew(self, owner: str, now: float) -> "Snapshot":
        """With the leases of that owner renewed; a lease that has lapsed does not come back. Raises Absent where the
        owner has none.
        """
        proxies = {name: _each_fault(spec, lambda one: one.renewed(owner, now)) for name, spec in self.proxies.items()}
        held = [one for spec in proxies.values() for one in spec.everything() if one.lease and not one.over(now)]
        if all(one.lease and one.lease.owner != owner for one in held):
            raise Absent(f"lease {owner}: nothing is in force that this owner could renew")
        return self._next(proxies, changed=False)

    def reseeded(self, seed: str) -> "Snapshot":
        """With another seed."""
        return replace(self, seed=seed, generation=self.generation + (seed != self.seed))

    def healed(self, now: float) -> "Snapshot":
        """Without the faults whose time is over."""
        proxies = {name: spec.without(now) for name, spec in self.proxies.items()}
        return self._next(proxies, changed=True) if proxies != self.proxies else self

    def next_change(self, now: float) -> float | None:
        """When time alone may change a decision; None: never."""
        return min((at for spec in self.proxies.values() if (at := spec.next_change(now)) is not None), default=None)

    def _next(self, proxies: Mapping[str, Spec], *, changed: bool) -> "Snapshot":
        return replace(self, generation=self.generation + changed, proxies=MappingProxyType(dict(proxies)))


def _begun(spec: Spec, before: Spec | None, now: float) -> Spec:
    known = {one.name: one for one in (before.everything() if before else ())}
    return _each_fault(spec, lambda one: one.begun(now, known.get(one.name)))


def _each_fault(spec: Spec, change: Callable[[Fault], Fault]) -> Spec:
    rules = tuple(
        replace(rule, mix=replace(rule.mix, faults=tuple(change(one) for one in rule.mix.faults)))
        for rule in spec.rules
    )
    return replace(spec, rules=rules, faults=tuple(change(one) for one in spec.faults))
