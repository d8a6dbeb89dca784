"""The kinds of workload: what complete means for each, and which pods are of its present template. Pure.

A kind is a module of the shape `Kind`, and a line here.
"""

from collections.abc import Mapping

from gate.cluster.kinds import argo_rollout, daemon_set, deployment, stateful_set
from gate.cluster.kinds.observed import Kind
from gate.model import WorkloadKind

KINDS: Mapping[WorkloadKind, Kind] = {
    WorkloadKind.DEPLOYMENT: deployment,
    WorkloadKind.STATEFUL_SET: stateful_set,
    WorkloadKind.DAEMON_SET: daemon_set,
    WorkloadKind.ROLLOUT: argo_rollout,
}
