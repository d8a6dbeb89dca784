"""The evidence that the gate keeps: Jobs hand theirs in, and whoever may read a run may fetch it."""

import logging
import re
from pathlib import Path
from typing import IO

from gate.cluster.api import Api
from gate.cluster.callers import Callers
from gate.config import Settings
from gate.errors import Absent, Permanent
from gate.reports.evidence import EvidenceFolder, filed
from gate.reports.shelf import Shelf
from gate.running.ports import Clock
from gate.wire.ties import read_run

log = logging.getLogger(__name__)

_WORD = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
_FILE = re.compile(rf"(?P<run>{_WORD})\.(?P<uid>[0-9a-zA-Z-]{{1,8}})\.[1-9][0-9]*\.jsonl\.gz")


class Keeping:
    """Who may write the status of a run, from which its verdict is made, may hand its evidence in. Who may read the run
    may read its evidence.
    """

    def __init__(self, api: Api, shelf: Shelf) -> None:
        self._api, self._callers, self._shelf = api, Callers(api), shelf

    def take(self, namespace: str, file: str, token: str, body: IO[bytes]) -> bool:
        """Keep it; False if it was there. Raises `Denied`, `Permanent` for what is not the run's, `Temporary`."""
        run_name, uid = _parts(namespace, file)
        caller = self._callers.who(token)
        self._callers.insist(caller, "patch", namespace, run_name, subresource="status")
        run = read_run(self._api, namespace, run_name)
        if run is None or run.uid[:8] != uid:
            raise Permanent(f"there is no ChaosRun {namespace}/{run_name} with a uid that begins with {uid}")
        named = filed(run.status)
        if named is None or (named.namespace, named.file) != (namespace, file):
            raise Permanent(f"the ChaosRun {namespace}/{run_name} does not say that its evidence is in {file}")
        is_new = self._shelf.take(named, run.uid, body)
        log.info("evidence.taken run=%s file=%s new=%s who=%s", run_name, file, is_new, caller.name)
        return is_new

    def give(self, namespace: str, file: str, token: str) -> Path:
        """Where it is. Raises `Denied`, `Absent` if it is not here, `Temporary`."""
        run_name, _ = _parts(namespace, file)
        self._callers.insist(self._callers.who(token), "get", namespace, run_name)
        if found := self._shelf.find(namespace, file):
            return found
        raise Absent(f"{namespace}/{file} is not here: it has not come, was kept elsewhere, or was too old")


def keeping_of(settings: Settings, api: Api, clock: Clock) -> Keeping:
    folder = EvidenceFolder(settings.evidence, settings.keep_evidence, clock.now)
    return Keeping(api, Shelf(settings.evidence, folder.clear))


def _parts(namespace: str, file: str) -> tuple[str, str]:
    """The run's name, and how its uid begins. Nothing that leads out of a folder gets through."""
    found = _FILE.fullmatch(file)
    if found is None or not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", namespace):
        raise Permanent(
            f'"{namespace[:80]}/{file[:300]}" is not the name of evidence: NAMESPACE/RUN.UID.NUMBER.jsonl.gz'
        )
    return found["run"], found["uid"]
