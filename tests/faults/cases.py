"""One case of each fault, and of those that differ by their settings, more: fault and settings by a name. And of what
the gate does around the steps of a workflow.
"""

from collections.abc import Set as AbstractSet
from typing import Any

import pytest

from gate.faults.network import NETWORK
from tests.grounds import GATE_IMAGE

BARE = "bare"
"""The container in which no command finds its program, of pods that are hit there."""

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "config-change": ("config-change", {"configMap": "settings", "key": "mode", "value": "wild"}),
    "config-change of a secret": ("config-change", {"secret": "key", "key": "token"}),
    "config-change of a new key": ("config-change", {"configMap": "settings", "key": "debug", "value": "on"}),
    "config-change of a variable": ("config-change", {"env": "MODE", "value": "wild"}),
    "container-kill": ("container-kill", {"count": 2}),
    "copy": ("copy", {"service": "web"}),
    "network-reset": ("network-reset", {"proxy": "upstream"}),
    "network-reset of a service": ("network-reset", {"service": "web", "image": GATE_IMAGE.name}),
    "network-partition": ("network-partition", {"probe": "all is well"}),
    "node-cordon": ("node-cordon", {}),
    "node-drain": ("node-drain", {}),
    "pod-kill": ("pod-kill", {"count": 2}),
    "pod-kill by eviction": ("pod-kill", {"how": "evict", "percent": "50%"}),
    "cpu-stress": ("cpu-stress", {"workers": 2}),
    "cpu-stress without a shell": ("cpu-stress", {"container": BARE, "image": "web:3"}),
    "disk-fill": ("disk-fill", {"size": "20Mi", "leave": "1%"}),
    "job": (
        "job",
        {"image": "web:1", "inject": ["true"], "effect": ["true"], "revert": ["sh", "-c", "exit 0"], "count": 2},
    ),
    "memory-stress": ("memory-stress", {"size": "8Mi"}),
    "pod-failure": ("pod-failure", {"count": 2}),
    "rollout-restart": ("rollout-restart", {}),
    "scale down": ("scale", {"percent": "40%"}),
    "scale up": ("scale", {"to": 4}),
    "scale-to-zero": ("scale-to-zero", {}),
}

OFTEN = frozenset({"pod-kill", "scale down", "config-change of a secret"})
"""The cases of which `make test` plays what is minutes for all of them; `.ci/run` plays them all."""


def often(names: AbstractSet[str] = OFTEN) -> list[Any]:
    """The cases as parameters `fault` and `settings`; all but those of these names carry the mark `thorough`."""
    return [
        pytest.param(*case, id=name, marks=[] if name in names else pytest.mark.thorough)
        for name, case in CASES.items()
    ]


NEEDS_A_NODE = frozenset({"pod-failure"})
"""What pods feel only where they are processes: the nodes of the real control plane are played by kwok."""

NEEDS_CONTAINERS = frozenset({"container-kill", "cpu-stress", "memory-stress", "disk-fill"}) | NETWORK.keys()
"""What runs a command in a container: there are none on nodes that are played by kwok."""
TAKES_TIME = frozenset({"job"})
"""What is not taken back by one look: it is done by somebody who has to be waited for."""
NEEDS_THE_REAL_ONE = frozenset({"network-partition"})
"""What the sandbox has no resource for."""
