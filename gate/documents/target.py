"""The facts of the target: what `${target.name}` and `${target.host}` stand for. Pure.

Where a workflow makes copies, only the run knows them: until then stand-ins are in their place, which are names that
nobody can have (RFC 6761 keeps `.invalid` free).
"""

from typing import Any

from gate.model import Workflow

TARGET_FACTS = ("target.name", "target.host")
NAME, HOST = "name.target.invalid", "host.target.invalid"
"""The stand-ins: for the name of what the steps hit, and for the host of the Service in front of it."""


def host_of(service: str, namespace: str) -> str:
    """The name of a Service, as anybody in the cluster may write it."""
    return f"{service}.{namespace}"


def asks_target(value: Any) -> bool:
    """Whether a stand-in is anywhere in the value."""
    return bool(bind(value, "", "") != value)


def bind(value: Any, name: str, host: str) -> Any:
    """The value with these instead of the stand-ins."""
    if isinstance(value, dict):
        return {key: bind(each, name, host) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [bind(each, name, host) for each in value]
    return value.replace(HOST, host).replace(NAME, name) if isinstance(value, str) else value


def asks_service(workflow: Workflow) -> bool:
    """Whether some probe or load asks the Service in front of the target."""
    asked = [*(probe.settings for probe in workflow.steady_state), *(load.settings for load in workflow.load)]
    return workflow.makes_copies and bool(bind(asked, NAME, "") != asked)
