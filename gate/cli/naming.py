"""A run as people name it on the command line: `shop/checkout-1a2b3c4d5e`, or its name alone where only one has it."""

from typing import TYPE_CHECKING

from gate.errors import Permanent

if TYPE_CHECKING:
    from gate.cluster.api import Api
    from gate.model import Run


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
