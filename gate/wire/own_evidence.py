"""Fetches the evidence of a run from the gate that keeps it, for a person."""

from pathlib import Path

from gate.cluster.api import Api
from gate.cluster.callers import AUDIENCE
from gate.errors import Permanent
from gate.reports.evidence import filed
from gate.reports.handing_in import fetch
from gate.wire.ties import read_run


def evidence_of(api: Api, address: str, namespace: str, name: str, account: str, folder: Path) -> Path:
    """The file, as the run names it. `account`: of the run's namespace; it has to be allowed to get the run.

    Raises `GateError`.
    """
    run = read_run(api, namespace, name)
    if run is None:
        raise Permanent(f"there is no ChaosRun {namespace}/{name}; see kubectl get chaosruns --all-namespaces")
    named = filed(run.status)
    if named is None:
        raise Permanent(f"{namespace}/{name} names no evidence: it has not ended, or nobody has kept any")
    return fetch(address.rstrip("/"), api.token_of(namespace, account, AUDIENCE), named, folder)
