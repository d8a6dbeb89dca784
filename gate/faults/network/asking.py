"""A fault proxy in a container, asked by `exec`: its control API stays on loopback, and needs no token."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from gate.documents.units import in_words
from gate.errors import Permanent
from gate.faults.containers import status_of, where
from gate.faults.network.settings import Through
from gate.faults.objects import Json, found
from gate.model import Undo
from gate.running.ports import Cluster

ASK = ("chaos-gate", "proxy", "ask", "--within", "15s")
"""A container runs a little before the proxy in it listens."""
PROXIES = "/v1/proxies"
RECENT = 10.0
"""Seconds within which somebody has to have come through a proxy for its silence to be felt."""


def fault_of(settings: Through, behaviour: str, lasting: timedelta) -> str:
    """The fault as the proxy reads it, JSON; it forgets it by itself after that time."""
    percent = f"{settings.requests * 100:g}%"
    return json.dumps({"percent": percent, "ttl": in_words(lasting), behaviour: settings.behaviour()})


def ask(undo: Undo, cluster: Cluster, *words: Any, changing: bool = True) -> str:
    """What the proxy in the undo's container answers. Raises `Permanent` for what it refuses."""
    target, pod = undo.target, undo.settings.get("pod", undo.target.name)
    return cluster.execute(target.namespace, pod, undo.settings["container"], [*ASK, *words], changing=changing)


def proxies(undo: Undo, cluster: Cluster) -> Json:
    """All proxies there, by name. Raises `Permanent` if that is none that we know how to speak to."""
    said = ask(undo, cluster, "GET", PROXIES, changing=False)
    try:
        known: Json = json.loads(said)["proxies"]
    except (ValueError, KeyError, TypeError) as error:
        raise Permanent(f"{where(undo)} does not answer as a fault proxy does: {said[:80]!r}") from error
    return known


def set_fault(undo: Undo, cluster: Cluster, proxy: str) -> None:
    """Once more if it is set: then its time begins anew."""
    ask(undo, cluster, "PUT", _path(undo, proxy), undo.settings["fault"])


def forget(undo: Undo, cluster: Cluster, proxy: str) -> None:
    """Raises `Permanent` if it is not there."""
    ask(undo, cluster, "DELETE", _path(undo, proxy))


def faults(proxy: Json) -> set[str]:
    """The names of those that are in force beside its mix."""
    return {each["name"] for each in proxy.get("faults") or ()}


def runs(undo: Undo, cluster: Cluster) -> bool:
    """Whether the container with the proxy runs, in the pod that is the target."""
    return "running" in (status_of(found(cluster, undo.target), undo.settings["container"]).get("state") or {})


def seen_before(undo: Undo, proxy: Json) -> Json:
    """What the proxy has counted until now: another attempt may have hit somebody under the same name."""
    counters = proxy["counters"]
    return {"affected": counters["affected"].get(undo.settings["name"], 0), "idle": counters["idle"]}


def felt(undo: Undo, asked: Iterable[Json], through: str) -> str | None:
    """The proxies count whom they hit. Whom nobody listens to they cannot count: somebody must have come right before
    the act.
    """
    known, name, before = list(asked), undo.settings["name"], int(undo.before.get("affected", 0))
    total = sum(each["counters"]["affected"].get(name, 0) for each in known)
    hit = total - before if total >= before else total  # a proxy that was started anew counts from nothing
    if hit:
        seen = sum(each["counters"]["seen"] for each in known)
        return f"{hit} of {seen} that went through {through} were hit"
    idle = undo.before.get("idle")
    refused = undo.fault == "network-refuse" and any(name in faults(each) for each in known)
    if refused and idle is not None and idle <= RECENT:
        return f"nobody listens any more at {through}, where somebody came {idle:.1f} s before"
    return None


def _path(undo: Undo, proxy: str) -> str:
    return f"{PROXIES}/{proxy}/faults/{undo.settings['name']}"
