"""Which alerts fire, as Prometheus and Alertmanager say. Who cannot be asked has not said that none does."""

import json
import logging
from collections.abc import Sequence
from typing import Any

import requests

from gate.policy.rules import NotDuring

log = logging.getLogger(__name__)

TIMEOUT = (3.05, 5.0)
"""Seconds to connect, and between two parts of the answer."""
LARGEST = 5_000_000


def firing(rules: Sequence[NotDuring]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the alerts that fire now, wherever some rule looks; and the addresses that did not say."""
    found, silent = set[str](), set[str]()
    for rule in rules:
        try:
            found |= set(_asked(rule))
        except (requests.RequestException, ValueError, TypeError, KeyError, AttributeError) as error:
            where = rule.prometheus or rule.alertmanager
            log.warning("policy.alerts address=%s why=%r", where, str(error))
            silent.add(where)
    return frozenset(found), frozenset(silent)


def _asked(rule: NotDuring) -> list[str]:
    if rule.prometheus:
        answer = _get(f"{rule.prometheus.rstrip('/')}/api/v1/alerts")
        alerts = [each for each in answer["data"]["alerts"] if each.get("state") == "firing"]
    else:
        alerts = _get(f"{rule.alertmanager.rstrip('/')}/api/v2/alerts?active=true&silenced=false&inhibited=false")
    return [str(each["labels"]["alertname"]) for each in alerts]


def _get(url: str) -> Any:
    with requests.get(url, timeout=TIMEOUT, stream=True) as response:
        response.raise_for_status()
        body = response.raw.read(LARGEST + 1, decode_content=True)
    if len(body) > LARGEST:
        raise ValueError("too large")
    return json.loads(body)
