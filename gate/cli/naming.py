"""Runs and workloads as people name them on the command line: `shop/checkout-1a2b3c4d5e`, `shop/checkout`, or the name
alone where only one has it.
"""

from typing import TYPE_CHECKING

from gate.errors import Permanent

if TYPE_CHECKING:
    from gate.cluster.api import Api
    from gate.model import Gate, Run


def run_named(api: "Api", name: str) -> "Run":
    """Raises `Permanent` if there is no such run, or more than one."""
    from gate.cluster.runs import Runs

    namespace, slash, rest = name.partition("/")
    if slash:
        found = Runs(api).get(namespace, rest)
        if found is None:
            raise Permanent(f"there is no ChaosRun {name}; chaos-gate runs lists them all")
        return found
    same = [run for run in Runs(api).list()[0] if run.name == name]
    if len(same) > 1:
        places = " or ".join(f"{run.namespace}/{run.name}" for run in same)
        raise Permanent(f"more than one ChaosRun is called {name}; say {places}")
    if not same:
        raise Permanent(f"there is no ChaosRun {name} in any namespace; chaos-gate runs lists them all")
    return same[0]


def gates_named(api: "Api", name: str) -> "list[Gate]":
    """The gates of the workloads of that name, of whatever kind."""
    from gate.cluster.gates import gate_from

    namespace, _, workload = name.rpartition("/")
    gates = [gate_from(item) for item in api.list("chaosgates", namespace)[0]]
    return [gate for gate in gates if gate.workload.name.name == workload]


def gate_named(api: "Api", name: str, kind: str = "") -> "Gate":
    """Raises `Permanent` if there is no such gate, or more than one."""
    found = [gate for gate in gates_named(api, name) if kind.lower() in {"", gate.workload.name.kind.lower()}]
    if len(found) == 1:
        return found[0]
    if not found:
        called = f"{kind} {name}".strip()
        raise Permanent(f"there is no gate of a workload {called}; kubectl get chaosgates -A lists them all")
    places = " or ".join(str(gate.workload.name) for gate in found)
    raise Permanent(f"more than one gate answers for {name}: {places}; say its namespace and, with --kind, its kind")
