"""What stands for a workflow: the same for the same workflow, however it was written and whichever release reads it."""

import hashlib
import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.model import Workflow, identity


def identity_of(workflow: Workflow) -> str:
    """What tells the workflow from all that do something else, also from those that were written to be taken for it.

    Fields at their default are left out, so that a field that a later release adds changes no identity by itself.
    """
    return identity(json.dumps(_canonical(workflow), sort_keys=True, separators=(",", ":")))


def digest_of(value: Any) -> str:
    """The SHA-256 of any value of the model, as 64 hex digits; the same rules."""
    return hashlib.sha256(json.dumps(_canonical(value), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value / timedelta(microseconds=1)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if is_dataclass(value):
        given = {field.name: getattr(value, field.name) for field in fields(value) if not _at_default(field, value)}
        return {name: _canonical(each) for name, each in given.items()}
    if isinstance(value, dict):
        return {str(key): _canonical(each) for key, each in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)  # as the API server writes it
    if isinstance(value, list | tuple):
        return [_canonical(each) for each in value]
    return value


def _at_default(field: Any, value: Any) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return bool(getattr(value, field.name) == default)
