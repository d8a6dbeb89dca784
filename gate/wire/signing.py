"""Signs the verdicts of gates: for those who ask, and into files beside the evidence."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from gate.config import Secret, Settings
from gate.errors import GateError
from gate.model import Gate
from gate.reports import signed_verdict
from gate.reports.envelope import private_key
from gate.tracking.overrides import in_question

log = logging.getLogger(__name__)

SUFFIX = ".verdict.json"


class Signing:
    """The key is read at each use, so that it can be rotated."""

    def __init__(self, key: Secret, folder: Path, keep: timedelta, now: Callable[[], datetime]) -> None:
        """Raises `GateError` if there is no key. Files of versions that a gate has forgotten go when they are older
        than `keep` and another one is written.
        """
        private_key(key(), str(key.file))
        self._key, self._folder, self._keep, self._now = key, folder, keep, now

    def signed(self, gate: Gate, version: str) -> str | None:
        """The envelope of what there is to be said of a version; None if that is nothing. Raises `GateError`."""
        verdict = signed_verdict.verdict_of(gate, version)
        return signed_verdict.sign(verdict, private_key(self._key(), str(self._key.file))) if verdict else None

    def offered(self, gate: Gate, version: str) -> str | None:
        """The same for those who can do without: what cannot be signed just now is logged, and the answer goes on."""
        try:
            return self.signed(gate, version)
        except GateError as error:
            log.warning("verdict.unsigned workload=%s version=%s why=%r", gate.workload.name, version, str(error))
            return None

    def file(self, gate: Gate) -> None:
        """See to it that each version that the gate remembers has its file. What does not work is logged: no verdict
        depends on it, and the next comparison tries again.
        """
        folder = self._folder / gate.namespace
        versions = dict.fromkeys((in_question(gate.status), *(each.version for each in gate.status.judged)))
        try:
            for version in filter(None, versions):
                if envelope := self.signed(gate, version):
                    self._write(folder, f"{gate.name}.{version}{SUFFIX}", f"{envelope}\n")
            self._clear(folder, gate, set(versions))
        except (OSError, GateError) as error:
            log.error("verdict.unwritten workload=%s why=%r", gate.workload.name, str(error))  # noqa: TRY400 - it says it

    def _write(self, folder: Path, name: str, text: str) -> None:
        """Whole, or not at all; and not again if it is there."""
        file = folder / name
        with suppress(FileNotFoundError):
            if file.read_text() == text:
                return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = folder / f"{name}.part"
        part.write_text(text)
        part.rename(file)

    def _clear(self, folder: Path, gate: Gate, remembered: set[str]) -> None:
        oldest = (self._now() - self._keep).timestamp()
        for file in folder.glob(f"{gate.name}.*{SUFFIX}"):
            forgotten = file.name.removeprefix(f"{gate.name}.").removesuffix(SUFFIX) not in remembered
            with suppress(FileNotFoundError):
                if forgotten and file.stat().st_mtime < oldest:
                    file.unlink()


def signing_of(settings: Settings, now: Callable[[], datetime]) -> Signing | None:
    """None where verdicts are not signed."""
    if settings.signing_key is None:
        return None
    return Signing(settings.signing_key, settings.evidence, settings.keep_evidence, now)
