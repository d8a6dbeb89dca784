"""A proxy beside the workload's own container, which was there before: nothing is re-pointed, and pods are hit one by
one.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from gate.errors import Permanent
from gate.faults.choosing import choose
from gate.faults.containers import container_of, where
from gate.faults.network import asking
from gate.faults.network.settings import Through
from gate.faults.objects import Json, must_find, zone_of
from gate.faults.stress import LONGER
from gate.model import Step, Target, Undo, fingerprint
from gate.running.ports import Cluster


def plan(
    step: Step, settings: Through, behaviour: str, pods: Sequence[Target], seed: str, cluster: Cluster
) -> list[Undo]:
    """Raises `Permanent` for a pod without such a container or proxy, and `Denied` if we may run nothing in it."""
    undos = []
    for pod in choose(settings, step, pods, seed, partial(zone_of, cluster)):
        undo = Undo(
            id=f"{step.name}/{pod.name}",
            step=step.name,
            fault=step.fault,
            target=pod,
            settings={
                "container": container_of(must_find(cluster, pod), settings.container, pod)["name"],
                "proxy": settings.proxy,
                "name": f"chaos-gate-{fingerprint(seed, step.name, pod.uid)}",
                "fault": asking.fault_of(settings, behaviour, step.hold + LONGER),
            },
        )
        proxy = _proxy(undo, cluster)  # or what was never there could not be healed either
        undos.append(replace(undo, before=asking.seen_before(undo, proxy)))
    return undos


def inject(undo: Undo, cluster: Cluster) -> None:
    must_find(cluster, undo.target)
    asking.set_fault(undo, cluster, undo.settings["proxy"])


def prove(undo: Undo, cluster: Cluster) -> str | None:
    return asking.felt(undo, [_proxy(undo, cluster)], _named(undo))


def revert(undo: Undo, cluster: Cluster) -> str:
    """A proxy that does not run, or is another one by now, has taken it along."""
    gone = f"{_named(undo)} does not run; nothing is left in it"
    if not asking.runs(undo, cluster):
        return gone
    try:
        known = asking.proxies(undo, cluster).get(undo.settings["proxy"])
        if known is None or undo.settings["name"] not in asking.faults(known):
            return f"{_named(undo)} knows nothing of it"
        asking.forget(undo, cluster, undo.settings["proxy"])
    except Permanent:  # it may have gone while it was asked
        if asking.runs(undo, cluster):
            raise
        return gone
    return f"{_named(undo)} is healed"


def _proxy(undo: Undo, cluster: Cluster) -> Json:
    known = asking.proxies(undo, cluster)
    if undo.settings["proxy"] not in known:
        names = ", ".join(known) or "none"
        raise Permanent(f'{where(undo)} has no proxy "{undo.settings["proxy"]}"; it has {names}')
    proxy: Json = known[undo.settings["proxy"]]
    return proxy


def _named(undo: Undo) -> str:
    return f"the proxy {undo.settings['proxy']} in {where(undo)}"
