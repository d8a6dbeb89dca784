"""Which alerts fire, as Prometheus and Alertmanager say. Who cannot be asked has not said that none does."""

import json
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import requests

from gate.errors import GateError
from gate.gitlab.bodies import body_of
from gate.policy.rules import NotDuring

log = logging.getLogger(__name__)

TIMEOUT = (3.05, 5.0)
"""Seconds to connect, and between two parts of the answer."""
LONGEST = 10.0
"""Seconds for all of an answer, however steadily it trickles."""
LARGEST = 5_000_000
FRESH = 5.0
"""Seconds for which an answer counts."""

Fires = tuple[frozenset[str], frozenset[str]]
"""The names of the alerts that fire, and the addresses that did not say."""
Ask = Callable[[Sequence[NotDuring]], Fires]
NOTHING: Fires = (frozenset(), frozenset())


class Alerts:
    """The same, remembered for a moment: many runs may want to know at once. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float], ask: Ask | None = None) -> None:
        self._monotonic, self._ask = monotonic, ask or firing
        self._lock = threading.Lock()
        self._known: dict[tuple[NotDuring, ...], tuple[float, Fires]] = {}

    def __call__(self, rules: Sequence[NotDuring]) -> Fires:
        """As `firing`, no older than `FRESH` when it was asked for."""
        if not rules:
            return NOTHING
        wanted = self._monotonic()
        with self._lock:  # who comes meanwhile hears what the first one was told
            until, answer = self._known.get(tuple(rules), (float("-inf"), NOTHING))
            if wanted >= until:
                answer = self._ask(rules)
                self._known = {tuple(rules): (self._monotonic() + FRESH, answer)}
        return answer


def firing(rules: Sequence[NotDuring], longest: float = LONGEST) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the alerts that fire now, wherever some rule looks; and the addresses that did not say.

    `longest`: seconds that each of them has for its answer.
    """
    found, silent = set[str](), set[str]()
    for where, rule in {rule.prometheus or rule.alertmanager: rule for rule in rules}.items():
        try:
            found |= set(_asked(rule, longest))
        except (requests.RequestException, GateError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("policy.alerts address=%s why=%r", where, str(error))
            silent.add(where)
    return frozenset(found), frozenset(silent)


def _asked(rule: NotDuring, longest: float) -> list[str]:
    if rule.prometheus:
        answer = _get(f"{rule.prometheus.rstrip('/')}/api/v1/alerts", longest)
        alerts = [each for each in answer["data"]["alerts"] if each.get("state") == "firing"]
    else:
        where = f"{rule.alertmanager.rstrip('/')}/api/v2/alerts?active=true&silenced=false&inhibited=false"
        alerts = _get(where, longest)
    return [str(each["labels"]["alertname"]) for each in alerts]


def _get(url: str, longest: float) -> Any:
    with requests.get(url, timeout=TIMEOUT, stream=True) as response:
        response.raise_for_status()
        return json.loads(body_of(response, f"the answer of {url}", largest=LARGEST, within=longest))
