"""Reads the mode from `ConfigMap/chaos-gate-mode` in the gate's own namespace."""

import logging

from gate.cluster.api import Api
from gate.errors import GateError
from gate.running.mode import Mode

log = logging.getLogger(__name__)

CONFIG_MAP = "chaos-gate-mode"
KEY = "mode"


def read_mode(api: Api, namespace: str) -> Mode:
    """What cannot be read, is not there or is no mode means `pause`: when in doubt, do no harm."""
    try:
        found = api.get("configmaps", namespace, CONFIG_MAP)
    except GateError as error:
        log.warning("mode.unreadable taken_as=pause why=%r", str(error))
        return Mode.PAUSE
    data = (found or {}).get("data")
    text = data.get(KEY, "") if isinstance(data, dict) else ""
    if text in set(Mode):
        return Mode(text)
    log.warning(
        "mode.unreadable taken_as=pause why=%r",
        f"ConfigMap {namespace}/{CONFIG_MAP} must hold {KEY}: {' | '.join(Mode)}; it holds {text!r}",
    )
    return Mode.PAUSE
