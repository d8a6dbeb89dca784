"""Webhooks that come to a replica that does not lead are passed on to the one that does.

It acts on what it is told as on what it hears itself: it looks, a moment later. What is lost here costs no more than
what GitLab itself loses: the next look comes without it.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from gate.cluster.heard import Heard, Word
from gate.errors import GateError, Permanent

log = logging.getLogger(__name__)

PACE = timedelta(seconds=2)
"""How often to look whether there is something to be passed on, or to be taken up."""
KEPT = timedelta(minutes=10)
"""For how long a word stays, so that whoever begins to lead finds it: by then somebody has looked anyway."""
MOST = 500
"""Words at a time; what is beyond comes to light with the next look."""
CATALOGUE = "catalogue"
"""It was pushed to. Every other word is the path of a project where something has happened."""


class PassingOn:
    """Stands between the ears of a replica and those who look. `fetch` and `look` may be called from any thread."""

    def __init__(
        self,
        heard: Heard,
        *,
        leads: Callable[[], bool],
        fetch: Callable[[], None],
        look: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        self._heard, self._leads, self._fetch, self._look, self._now = heard, leads, fetch, look, now
        self._lock = threading.Lock()
        self._unsaid: dict[str, datetime] = {}
        self._taken_up: dict[str, Word] = {}
        self._problem = ""

    def fetch(self) -> None:
        """The catalogue was pushed to. This replica answers pipelines, too: it fetches in any case."""
        self._fetch()
        self._pass_on(CATALOGUE)

    def look(self, project: str) -> None:
        """Something has happened in a project."""
        self._look(project)
        self._pass_on(project)

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop."""
        while not stop.wait(PACE.total_seconds()):
            try:
                self.step()
                self._problem = ""
            except GateError as error:
                level = logging.DEBUG if str(error) == self._problem else logging.WARNING
                log.log(level, "webhook.not_passed_on why=%r", str(error))
                self._problem = str(error)

    def step(self) -> None:
        """Take up what others have heard, if this replica leads; else tell what it has heard itself."""
        if self._leads():
            self._take_up()
        else:
            self._taken_up.clear()
            self._tell()

    def _pass_on(self, text: str) -> None:
        with self._lock:
            if not self._leads() and (text in self._unsaid or len(self._unsaid) < MOST):
                self._unsaid[text] = self._now()

    def _tell(self) -> None:
        with self._lock:
            words = [Word(text=text, at=at) for text, at in self._unsaid.items()]
        if not words:
            return
        try:
            self._heard.leave(words)
            log.info("webhook.passed_on about=%s", ",".join(each.text for each in words))
        except Permanent:  # said once more they would be refused once more, and whatever is heard later with them
            self._drop(words)
            raise
        self._drop(words)

    def _drop(self, words: Iterable[Word]) -> None:
        """Those that have not been heard once more meanwhile."""
        with self._lock:
            for each in words:
                if self._unsaid.get(each.text) == each.at:
                    del self._unsaid[each.text]

    def _take_up(self) -> None:
        words = self._heard.words()
        with self._lock:
            self._unsaid.clear()  # what it has heard itself, it has looked at when it began to lead
        for key, word in words.items():
            if self._taken_up.get(key) != word:
                log.info("webhook.taken_up about=%s", word.text)
                self._fetch() if word.text == CATALOGUE else self._look(word.text)
        old = [key for key, word in words.items() if self._now() - word.at > KEPT]
        if old:
            self._heard.forget(old)
        self._taken_up = {key: word for key, word in words.items() if key not in old}
