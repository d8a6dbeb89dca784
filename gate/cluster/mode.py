"""Reads the mode from `ConfigMap/chaos-gate-mode` in the gate's own namespace."""

import logging

from gate.cluster.api import Api
from gate.errors import Absent, GateError, Permanent
from gate.running.mode import Mode

log = logging.getLogger(__name__)

CONFIG_MAP = "chaos-gate-mode"
KEY = "mode"


def read_mode(api: Api, namespace: str) -> Mode:
    """What cannot be read, is not there or is no mode means `pause`: when in doubt, do no harm."""
    try:
        return stated_mode(api, namespace)
    except GateError as error:
        log.warning("mode.unreadable taken_as=pause why=%r", str(error))
        return Mode.PAUSE


def stated_mode(api: Api, namespace: str) -> Mode:
    """The mode as it stands there. Raises `GateError` if it cannot be read, is not there or is no mode."""
    found = api.get("configmaps", namespace, CONFIG_MAP)
    data = (found or {}).get("data")
    text = data.get(KEY, "") if isinstance(data, dict) else ""
    if text not in set(Mode):
        must = f"must hold {KEY}: {' | '.join(Mode)}"
        holds = f"it holds {text!r}" if found else "it is not there"
        raise Permanent(f"ConfigMap {namespace}/{CONFIG_MAP} {must}; {holds}")
    return Mode(text)


def write_mode(api: Api, namespace: str, mode: Mode) -> None:
    """Set the mode; makes the ConfigMap if it is not there."""
    body = {"data": {KEY: str(mode)}}
    try:
        api.patch("configmaps", namespace, CONFIG_MAP, body)
    except Absent:
        api.create("configmaps", namespace, {"metadata": {"name": CONFIG_MAP}, **body})
