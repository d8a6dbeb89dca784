"""What the faults of Litmus are called here, and what becomes of their variables."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gate.documents.units import in_words
from gate.importing.litmus.environment import Environment

Json = dict[str, Any]
NUMBER = re.compile("[0-9]{1,6}")
USUAL_GRACE = "30s"
"""What Kubernetes gives a pod that does not say how long it needs."""
NETWORK = (
    "no fault here slows, loses or damages packets; network-delay, network-error and their kin do it to connections, "
    "through a fault proxy in the pod, see docs/proxy.md"
)
NODE = "what is done inside a node has no counterpart; node-drain and node-cordon are there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A Litmus fault that has a counterpart."""

    fault: str
    settings: Callable[[Environment], Json]
    duration: int = 60
    """Seconds that it lasts if nobody says."""
    interval: int | None = None
    """Seconds between two hits within that time, for faults that hit again."""
    needs_probe: bool = False
    """Whether the fault names the probe that feels it."""
    difference: str = ""
    """How it is another thing than there."""


def _pods(environment: Environment) -> Json:
    """How many, by `PODS_AFFECTED_PERC`."""
    text = environment.text("PODS_AFFECTED_PERC").removesuffix("%")
    if not NUMBER.fullmatch(text):
        return {}
    if int(text) == 0:
        environment.kept("PODS_AFFECTED_PERC", "one pod is hit, as in Litmus")
        return {}
    environment.kept("PODS_AFFECTED_PERC", f"percent: {min(int(text), 100)}%; rounded down, but at least one")
    return {"percent": f"{min(int(text), 100)}%"}


def _at_once(environment: Environment) -> None:
    if environment.text("SEQUENCE") == "serial":
        environment.differs("SEQUENCE", "all pods are hit at once; this fault has no order")
    else:
        environment.kept("SEQUENCE", "all pods are hit at once")


def _in_container(environment: Environment) -> Json:
    settings = _pods(environment)
    _at_once(environment)
    if name := environment.text("TARGET_CONTAINER"):
        environment.kept("TARGET_CONTAINER", f"container: {name}")
        settings["container"] = name
    return settings


def _pod_delete(environment: Environment) -> Json:
    settings = _pods(environment)
    if environment.text("FORCE") == "false":
        environment.differs("FORCE", f"grace: {USUAL_GRACE}, for what the pod itself asks for cannot be said here")
        settings["grace"] = USUAL_GRACE
    else:
        environment.kept("FORCE", "killed at once, the default of `grace`")
    if environment.text("SEQUENCE") == "serial":
        every = in_words(environment.seconds("CHAOS_INTERVAL", 5))
        environment.differs(
            "SEQUENCE", f"one-by-one: the next pod is hit when all are ready, at the latest after {every}"
        )
        settings |= {"sequence": "one-by-one", "every": every}
    else:
        environment.kept("SEQUENCE", "all pods are hit at once")
    return settings


def _container_kill(environment: Environment) -> Json:
    settings, signal = _in_container(environment), environment.text("SIGNAL")
    if signal in {"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGABRT", "SIGUSR1", "SIGUSR2"}:
        environment.kept("SIGNAL", f"signal: {signal}")
        return settings | {"signal": signal}
    environment.differs("SIGNAL", "SIGTERM is sent: from within a container Linux keeps SIGKILL from its first process")
    return settings


def _cpu(environment: Environment) -> Json:
    settings, cores = _in_container(environment), environment.text("CPU_CORES")
    environment.left_out("CPU_LOAD", "each loop uses a whole processor, up to the container's limit")
    if NUMBER.fullmatch(cores) and int(cores):
        environment.kept("CPU_CORES", f"workers: {min(int(cores), 64)}")
        settings["workers"] = min(int(cores), 64)
    return settings


def _memory(environment: Environment) -> Json:
    settings, size = _in_container(environment), environment.text("MEMORY_CONSUMPTION")
    size = size if NUMBER.fullmatch(size) and int(size) else "500"
    environment.kept("MEMORY_CONSUMPTION", f"size: {size}Mi")
    environment.left_out("NUMBER_OF_WORKERS", "one process holds all of it")
    return settings | {"size": f"{size}Mi"}


def _disk(environment: Environment) -> Json:
    settings, size = _in_container(environment), environment.text("EPHEMERAL_STORAGE_MEBIBYTES")
    size = size if NUMBER.fullmatch(size) and int(size) else "1024"
    environment.kept("EPHEMERAL_STORAGE_MEBIBYTES", f"size: {size}Mi")
    environment.differs(
        "FILL_PERCENTAGE", f"size: {size}Mi; a share of the pod's limit cannot be said, look at the size"
    )
    environment.left_out("DATA_BLOCK_SIZE", "how the space is taken does not matter")
    return settings | {"size": f"{size}Mi"}


def _partition(environment: Environment) -> Json:
    said = environment.text("POLICY_TYPES").lower()
    direction = said if said in {"ingress", "egress"} else "both"
    environment.kept("POLICY_TYPES", f"direction: {direction}")
    environment.differs("PODS_AFFECTED_PERC", "all pods of the workload are cut off")
    environment.kept("SEQUENCE", "all pods are cut off at once")
    return {"direction": direction}


def _scale(environment: Environment) -> Json:
    said = environment.text("REPLICA_COUNT")
    replicas = int(said) if re.fullmatch("[0-9]{1,3}", said) else 1
    environment.kept("REPLICA_COUNT", f"to: {replicas}")
    return {"to": replicas}


def _nodes(environment: Environment) -> Json:
    node = environment.text("TARGET_NODE") or environment.text("TARGET_NODES").split(",")[0].strip()
    for name in ("TARGET_NODE", "TARGET_NODES"):
        environment.kept(name, f"node: {node}")
    return {"node": node} if node else {}


FAULTS: Mapping[str, Meaning] = {
    "pod-delete": Meaning(fault="pod-kill", settings=_pod_delete, duration=15, interval=5),
    "container-kill": Meaning(fault="container-kill", settings=_container_kill, duration=20, interval=10),
    "pod-cpu-hog": Meaning(fault="cpu-stress", settings=_cpu),
    "pod-cpu-hog-exec": Meaning(fault="cpu-stress", settings=_cpu),
    "pod-memory-hog": Meaning(fault="memory-stress", settings=_memory),
    "pod-memory-hog-exec": Meaning(fault="memory-stress", settings=_memory),
    "disk-fill": Meaning(fault="disk-fill", settings=_disk),
    "pod-network-partition": Meaning(fault="network-partition", settings=_partition, needs_probe=True),
    "pod-autoscaler": Meaning(fault="scale", settings=_scale),
    "node-drain": Meaning(
        fault="node-drain", settings=_nodes, difference="only the workload's own pods are evicted from the node"
    ),
}
"""By their Litmus names."""

WITHOUT: Mapping[str, str] = {
    "pod-network-latency": NETWORK,
    "pod-network-loss": NETWORK,
    "pod-network-corruption": NETWORK,
    "pod-network-duplication": NETWORK,
    "pod-network-rate-limit": NETWORK,
    "pod-dns-error": NETWORK,
    "pod-dns-spoof": NETWORK,
    "pod-http-latency": NETWORK,
    "pod-http-status-code": NETWORK,
    "pod-http-modify-body": NETWORK,
    "pod-http-modify-header": NETWORK,
    "pod-http-reset-peer": NETWORK,
    "pod-io-stress": "no fault here slows disks; disk-fill takes their space, which is another question",
    "node-cpu-hog": NODE,
    "node-memory-hog": NODE,
    "node-io-stress": NODE,
    "node-restart": NODE,
    "node-poweroff": NODE,
    "node-taint": "node-cordon keeps new pods away, node-drain evicts those that are there; neither is a taint",
    "kubelet-service-kill": NODE,
    "docker-service-kill": NODE,
}
"""Litmus faults that have no counterpart, and why."""
OF_ONES_OWN = "it is no fault of Kubernetes that is known here; write one of your own: chaos-gate new fault"
