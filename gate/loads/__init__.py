"""Traffic: one file per kind of load. Adding one: a module of the shape `gate.running.ports.LoadKind`, and a line
here.
"""

from collections.abc import Mapping

from gate.loads import http, job, locust
from gate.running.ports import LoadKind

LOADS: Mapping[str, LoadKind] = {
    "http": http,
    "job": job,
    "locust": locust,
}
