"""What can be done to targets: one file per fault. Adding one: a module of the shape `gate.running.ports.Fault`, and a
line here.
"""

from collections.abc import Mapping

from gate.faults import (
    config_change,
    container_kill,
    copying,
    cpu_stress,
    disk_fill,
    job,
    memory_stress,
    network_partition,
    node_cordon,
    node_drain,
    pod_failure,
    pod_kill,
    rollout_restart,
    scale,
    scale_to_zero,
)
from gate.faults.network import NETWORK
from gate.model import COPY
from gate.running.ports import Fault

FAULTS: Mapping[str, Fault] = {
    "config-change": config_change,
    "container-kill": container_kill,
    "cpu-stress": cpu_stress,
    "disk-fill": disk_fill,
    "job": job,
    "memory-stress": memory_stress,
    "network-partition": network_partition,
    "node-cordon": node_cordon,
    "node-drain": node_drain,
    "pod-failure": pod_failure,
    "pod-kill": pod_kill,
    "rollout-restart": rollout_restart,
    "scale": scale,
    "scale-to-zero": scale_to_zero,
    **NETWORK,
}

ACTS: Mapping[str, Fault] = {**FAULTS, COPY: copying}
"""All that an undo may be of: the faults, and what the gate itself does around them."""
UNREADY = frozenset({"container-kill", "network-partition", "pod-failure", "pod-kill"})
"""The kinds that take the pods that they hit away from the service: disruption budgets count those."""
