"""Webhooks in: each is checked, and has those look now who would have looked later anyway."""

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum

from gate.errors import Denied
from gate.gitlab.webhooks import About, Webhook, insist, insist_on_headers, read

log = logging.getLogger(__name__)

REMEMBERED = 2000
"""How many deliveries are known again."""


class Outcome(StrEnum):
    """What became of a webhook."""

    ACTED = "acted"
    IGNORED = "ignored"
    REPEATED = "repeated"
    REFUSED = "refused"


class Hearing:
    """May be called from any thread. What it calls must not wait for anything: GitLab gives 10 s for an answer."""

    def __init__(
        self,
        secrets: Callable[[], str],
        *,
        is_catalogue: Callable[[str, str], bool],
        fetch: Callable[[], None],
        look: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        """`secrets`: one a line. `is_catalogue`: whether a project, at a ref, is what the gate reads. `fetch` brings
        the catalogue, `look` looks at GitLab for what is of a project.
        """
        self._secrets, self._is_catalogue = secrets, is_catalogue
        self._fetch, self._look, self._now = fetch, look, now
        self._lock = threading.Lock()
        self._numbers: OrderedDict[str, None] = OrderedDict()
        self._counts: Counter[tuple[str, str]] = Counter()

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many webhooks there were, by what they were about, and what became of them."""
        with self._lock:
            return dict(self._counts)

    def insist(self, headers: Mapping[str, str]) -> None:
        """Before the body is read. Raises `Denied` where the headers tell that it is not from GitLab, `Temporary` if
        the secrets cannot be read.
        """
        secrets = self._known_secrets()
        with self._counting_refusals():
            insist_on_headers(_lower(headers), secrets)

    def hear(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises `Denied` for what is not from GitLab, `Temporary` if the secrets cannot be read."""
        lower, secrets = _lower(headers), self._known_secrets()
        with self._counting_refusals():
            insist(lower, body, secrets, now=self._now())
        webhook = read(lower, body)
        outcome = Outcome.REPEATED if self._is_known(webhook.number) else self._act(webhook)
        self._count(webhook.about, outcome)
        log.info("webhook.%s about=%s project=%r", outcome, webhook.about, webhook.project)

    def _known_secrets(self) -> list[str]:
        return [line.strip() for line in self._secrets().splitlines() if line.strip()]

    @contextmanager
    def _counting_refusals(self) -> Iterator[None]:
        try:
            yield
        except Denied:
            self._count(About.OTHER, Outcome.REFUSED)
            raise

    def _act(self, webhook: Webhook) -> Outcome:
        match webhook.about:
            case About.PUSH:
                if not self._is_catalogue(webhook.project, webhook.ref):
                    return Outcome.IGNORED
                self._fetch()
            case About.DEPLOYMENT | About.PIPELINE | About.STATUS_CHECK if webhook.project:
                self._look(webhook.project)
            case _:
                return Outcome.IGNORED
        return Outcome.ACTED

    def _is_known(self, number: str) -> bool:
        with self._lock:
            known = number in self._numbers
            if number:
                self._numbers[number] = None
            while len(self._numbers) > REMEMBERED:
                self._numbers.popitem(last=False)
        return known

    def _count(self, about: About, outcome: Outcome) -> None:
        with self._lock:
            self._counts[about, outcome] += 1


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
