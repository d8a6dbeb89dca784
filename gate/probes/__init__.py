"""Questions about a service: one file per kind of probe. Adding one: a module of the shape
`gate.running.ports.ProbeKind`, and a line here.
"""

from collections.abc import Mapping

from gate.probes import command, grpc, http, kubernetes, prometheus, tcp
from gate.running.ports import ProbeKind

PROBES: Mapping[str, ProbeKind] = {
    "command": command,
    "grpc": grpc,
    "http": http,
    "kubernetes": kubernetes,
    "prometheus": prometheus,
    "tcp": tcp,
}
