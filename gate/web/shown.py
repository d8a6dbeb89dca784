"""Gates, runs and readiness as JSON for people's programs: what they would look for, not every field there is."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from gate.model import Gate, Run
from gate.web.views import Readiness


def gate_json(gate: Gate) -> dict[str, Any]:
    """A gate with everything that it knows."""
    return {
        "namespace": gate.namespace,
        "name": gate.name,
        "workload": plain(gate.workload),
        **plain(gate.status),
        "overrides": plain(gate.overrides),
        "accepted": dict(gate.accepted),
        "promoted": plain(gate.promoted),
    }


def run_json(run: Run) -> dict[str, Any]:
    """A run: what it is for and what became of it. Settings of probes and loads stay out, they may hold credentials."""
    return {
        "namespace": run.namespace,
        "name": run.name,
        "uid": run.uid,
        "workload": plain(run.spec.workload),
        "version": run.spec.version,
        "workflow": run.spec.workflow.name,
        "subscriptions": list(run.spec.subscriptions),
        "revision": run.spec.revision,
        "deadline": plain(run.spec.deadline),
        "abort": run.abort,
        **plain(run.status),
    }


def readiness_json(readiness: Readiness) -> dict[str, Any]:
    """Readiness with the parts that it was made of."""
    return {
        "ready": readiness.ready,
        "catalogue": {
            "revision": readiness.revision,
            "not_taken": list(readiness.not_taken),
            "age_s": plain(readiness.catalogue_age),
        },
        "watch_lag_s": plain(readiness.watch_lag),
        "gitlab": readiness.gitlab,
        "tokens": [plain(token) for token in readiness.tokens],
        "leads": readiness.leads,
        "leader": readiness.leader,
        "problems": dict(readiness.problems),
        "outside": list(readiness.outside),
    }


def plain(value: Any) -> Any:
    """A value of the model as JSON: durations in seconds, moments in ISO 8601."""
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return value
