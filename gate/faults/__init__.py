"""What can be done to targets: one file per fault. Adding one: a module of the shape `gate.running.ports.Fault`, and a
line here.
"""

from collections.abc import Mapping

from gate.faults import pod_kill, scale_to_zero
from gate.running.ports import Fault

FAULTS: Mapping[str, Fault] = {
    "pod-kill": pod_kill,
    "scale-to-zero": scale_to_zero,
}
